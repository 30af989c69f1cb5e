#include "storage/sqlite/sqlite_db.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::storage {
namespace {

using testing::HasSubstr;
using testing::TempDir;

std::string FreshPath(const std::string& name) {
  const std::string path = TempDir() + "/" + name;
  for (const char* suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
  return path;
}

std::unique_ptr<SqliteDb> OpenOrDie(const std::string& path, SqliteOptions options = {}) {
  auto db = SqliteDb::Open(path, options);
  EXPECT_TRUE(db.ok()) << db.status();
  return *std::move(db);
}

int64_t CountRows(SqliteDb& db) { return db.QueryInt64("SELECT count(*) FROM t").value_or(-1); }

TEST(SqliteDbTest, ValuesComeBackAsTheyWereBound) {
  auto db = OpenOrDie(FreshPath("values.db"));
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i, d, s, b, n, e)").ok());
  auto insert = db->Prepare("INSERT INTO t VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
  ASSERT_TRUE(insert.ok());
  const std::string text("a\0b'; DROP TABLE t; --", 22);
  ASSERT_TRUE(
      insert->Bind(INT64_MIN, 0.5, text, SqliteBlob{absl::string_view("\xff\0", 2)}, nullptr, "")
          .Run()
          .ok());
  auto select = db->Prepare("SELECT * FROM t WHERE s = ?1");
  ASSERT_TRUE(select.ok());
  ASSERT_EQ(select->Bind(text).Step().value(), true);
  EXPECT_EQ(select->Int64(0), INT64_MIN);
  EXPECT_EQ(select->Double(1), 0.5);
  EXPECT_EQ(select->Text(2), text);
  EXPECT_EQ(select->Blob(3), absl::string_view("\xff\0", 2));
  EXPECT_TRUE(select->IsNull(4));
  EXPECT_FALSE(select->IsNull(5));
  EXPECT_EQ(select->Step().value(), false);
}

TEST(SqliteDbTest, TransactionThatIsNotCommittedIsRolledBack) {
  auto db = OpenOrDie(FreshPath("transaction.db"));
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i)").ok());
  {
    auto transaction = SqliteTransaction::Begin(*db);
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE(db->Execute("INSERT INTO t VALUES(1)").ok());
  }
  EXPECT_EQ(CountRows(*db), 0);
  auto transaction = SqliteTransaction::Begin(*db);
  ASSERT_TRUE(db->Execute("INSERT INTO t VALUES(1)").ok());
  ASSERT_TRUE(transaction->Commit().ok());
  EXPECT_EQ(CountRows(*db), 1);
}

TEST(SqliteDbTest, ConstraintViolationIsToldApart) {
  auto db = OpenOrDie(FreshPath("constraint.db"));
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i PRIMARY KEY); INSERT INTO t VALUES(1)").ok());
  EXPECT_TRUE(IsConstraintViolation(db->Execute("INSERT INTO t VALUES(1)")));
  const absl::Status other = db->Execute("INSERT INTO missing VALUES(1)");
  EXPECT_FALSE(IsConstraintViolation(other));
  EXPECT_EQ(DetailsOf(other).reason, kDatabaseError);
}

TEST(SqliteDbTest, FileThatIsNoDatabaseIsDamaged) {
  const std::string path = FreshPath("damaged.db");
  std::ofstream(path) << std::string(8192, 'x');
  const absl::Status status = SqliteDb::Open(path, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DetailsOf(status).reason, kDataFolderDamaged);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
  EXPECT_THAT(std::string(status.message()), HasSubstr("backup"));
}

TEST(SqliteDbTest, SecondWriterIsBusy) {
  const std::string path = FreshPath("busy.db");
  auto one = OpenOrDie(path);
  auto two = OpenOrDie(path, {.busy_timeout_ms = 0});
  auto transaction = SqliteTransaction::Begin(*one);
  ASSERT_TRUE(transaction.ok());
  const absl::Status status = SqliteTransaction::Begin(*two).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(DetailsOf(status).reason, kDatabaseBusy);
}

TEST(SqliteDbTest, FullDatabaseIsDiskFullAndKeepsNothing) {
  auto db = OpenOrDie(FreshPath("full.db"));
  ASSERT_TRUE(db->Execute("CREATE TABLE t(b); PRAGMA max_page_count=10").ok());
  auto insert = db->Prepare("INSERT INTO t VALUES(zeroblob(?1))");
  const absl::Status status = insert->Bind(100'000).Run();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DetailsOf(status).reason, kDiskFull);
  EXPECT_TRUE(DetailsOf(status).retry_after_us.has_value());
  EXPECT_EQ(CountRows(*db), 0);
  EXPECT_TRUE(insert->Bind(10).Run().ok());
}

TEST(SqliteDbTest, ReadOnlyConnectionCannotWrite) {
  const std::string path = FreshPath("readonly.db");
  ASSERT_TRUE(OpenOrDie(path)->Execute("CREATE TABLE t(i)").ok());
  auto db = OpenOrDie(path, {.mode = SqliteOptions::Mode::kReadOnly});
  EXPECT_EQ(CountRows(*db), 0);
  EXPECT_EQ(DetailsOf(db->Execute("INSERT INTO t VALUES(1)")).reason, kDataFolderReadOnly);
}

TEST(SqliteDbTest, VersionIsKept) {
  const std::string path = FreshPath("version.db");
  EXPECT_EQ(OpenOrDie(path)->UserVersion().value(), 0);
  ASSERT_TRUE(OpenOrDie(path)->SetUserVersion(7).ok());
  EXPECT_EQ(OpenOrDie(path)->UserVersion().value(), 7);
}

TEST(SqliteDbTest, WithoutCheckpointsTheWalIsKeptAtClose) {
  const std::string path = FreshPath("wal.db");
  ASSERT_TRUE(OpenOrDie(path, {.wal_autocheckpoint_pages = 0})->Execute("CREATE TABLE t(i)").ok());
  EXPECT_TRUE(std::ifstream(path + "-wal").good());
  auto db = OpenOrDie(path, {.wal_autocheckpoint_pages = 0});
  EXPECT_EQ(CountRows(*db), 0);
  ASSERT_TRUE(db->CheckpointAndTruncate().ok());
  EXPECT_EQ(std::ifstream(path + "-wal").peek(), std::ifstream::traits_type::eof());
}

TEST(SqliteDbTest, ALargerCacheHoldsWhatALargeTransactionChanges) {
  for (const int cache_kib : {0, 16 * 1'024}) {
    const std::string path = FreshPath("cache.db");
    auto db = OpenOrDie(path, {.cache_kib = cache_kib});
    ASSERT_TRUE(db->Execute("CREATE TABLE t(b)").ok());
    const auto before = std::filesystem::file_size(path + "-wal");
    auto transaction = SqliteTransaction::Begin(*db);
    ASSERT_TRUE(transaction.ok());
    for (int i = 0; i < 4'000; ++i) {
      ASSERT_TRUE(db->Execute("INSERT INTO t VALUES(zeroblob(1000))").ok());
    }
    const bool written_early = std::filesystem::file_size(path + "-wal") > before;
    EXPECT_EQ(written_early, cache_kib == 0);
    ASSERT_TRUE(transaction->Commit().ok());
  }
}

TEST(SqliteDbTest, BackupHoldsWhatWasCommitted) {
  const std::string path = FreshPath("backup_of.db");
  auto db = OpenOrDie(path);
  ASSERT_TRUE(db->Execute("CREATE TABLE t(i); INSERT INTO t VALUES(1)").ok());
  const std::string copy = FreshPath("backup.db");
  ASSERT_TRUE(db->BackupTo(copy).ok());
  EXPECT_EQ(CountRows(*OpenOrDie(copy)), 1);
}

}  // namespace
}  // namespace lapse::storage
