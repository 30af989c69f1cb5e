// A connection to PostgreSQL.
#ifndef LAPSE_BENCH_POSTGRES_CONNECTION_H_
#define LAPSE_BENCH_POSTGRES_CONNECTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "postgresql/libpq-fe.h"

namespace lapse::bench {

// One thread at a time. Errors are INTERNAL with the server's words.
class PgConnection {
 public:
  // `where` as libpq takes it, such as "host=/tmp dbname=bench".
  static absl::StatusOr<PgConnection> Open(const std::string& where);
  ~PgConnection() { PQfinish(connection_); }
  PgConnection(PgConnection&& other) noexcept : connection_(other.connection_) {
    other.connection_ = nullptr;
  }
  PgConnection& operator=(const PgConnection&) = delete;

  absl::Status Execute(const std::string& sql);

  // The first column of every row, as whole numbers.
  absl::StatusOr<std::vector<int64_t>> QueryNumbers(const std::string& sql,
                                                    const std::vector<std::string>& parameters);

  // Copies rows into a table, as a transaction of its own: committed when this returns OK.
  absl::Status Copy(const std::string& table, absl::string_view binary_rows);

 private:
  explicit PgConnection(PGconn* connection) : connection_(connection) {}
  absl::Status LastError() const;

  PGconn* connection_;
};

}  // namespace lapse::bench

#endif  // LAPSE_BENCH_POSTGRES_CONNECTION_H_
