#include "bench/postgres/connection.h"

#include <cstdlib>
#include <memory>

namespace lapse::bench {
namespace {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

bool Has(const Result& result, ExecStatusType status) {
  return PQresultStatus(result.get()) == status;
}

}  // namespace

absl::StatusOr<PgConnection> PgConnection::Open(const std::string& where) {
  PgConnection connection(PQconnectdb(where.c_str()));
  if (PQstatus(connection.connection_) != CONNECTION_OK) return connection.LastError();
  return connection;
}

absl::Status PgConnection::Execute(const std::string& sql) {
  const Result result(PQexec(connection_, sql.c_str()));
  if (Has(result, PGRES_COMMAND_OK) || Has(result, PGRES_TUPLES_OK)) return absl::OkStatus();
  return LastError();
}

absl::StatusOr<std::vector<int64_t>> PgConnection::QueryNumbers(
    const std::string& sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const Result result(PQexecParams(connection_, sql.c_str(), static_cast<int>(values.size()),
                                   nullptr, values.data(), nullptr, nullptr, 0));
  if (!Has(result, PGRES_TUPLES_OK)) return LastError();
  std::vector<int64_t> numbers;
  for (int i = 0; i < PQntuples(result.get()); ++i) {
    numbers.push_back(std::strtoll(PQgetvalue(result.get(), i, 0), nullptr, 10));
  }
  return numbers;
}

absl::Status PgConnection::Copy(const std::string& table, absl::string_view binary_rows) {
  {
    const Result begun(
        PQexec(connection_, ("COPY " + table + " FROM STDIN (FORMAT binary)").c_str()));
    if (!Has(begun, PGRES_COPY_IN)) return LastError();
  }
  if (PQputCopyData(connection_, binary_rows.data(), static_cast<int>(binary_rows.size())) != 1 ||
      PQputCopyEnd(connection_, nullptr) != 1) {
    return LastError();
  }
  bool committed = false;
  while (PGresult* const result = PQgetResult(connection_)) {
    committed = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
  }
  return committed ? absl::OkStatus() : LastError();
}

absl::Status PgConnection::LastError() const {
  return absl::InternalError(PQerrorMessage(connection_));
}

}  // namespace lapse::bench
