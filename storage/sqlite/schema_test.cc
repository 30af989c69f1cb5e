#include "storage/sqlite/schema.h"

#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/errors.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/sqlite/sqlite_db.h"

namespace lapse::storage {
namespace {

constexpr const char* kSteps[] = {"CREATE TABLE a (x); INSERT INTO a VALUES (1)",
                                  "ALTER TABLE a ADD COLUMN y DEFAULT 7"};

class Schema : public testing::Test {
 protected:
  Schema() : path_(absl::StrCat(testing::TempDir(), "/schema_", getpid(), ".db")) {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path_ + suffix);
    db_ = SqliteDb::Open(path_, {}).value();
  }

  const std::string path_;
  std::unique_ptr<SqliteDb> db_;
};

TEST_F(Schema, RunsEveryStepOnANewDatabase) {
  ASSERT_TRUE(MigrateSchema(*db_, kSteps).ok());
  EXPECT_EQ(db_->UserVersion().value(), 2);
  EXPECT_EQ(db_->QueryInt64("SELECT y FROM a").value(), 7);
}

TEST_F(Schema, RunsOnlyTheStepsThatAreMissing) {
  ASSERT_TRUE(MigrateSchema(*db_, {kSteps[0]}).ok());
  ASSERT_TRUE(db_->Execute("UPDATE a SET x = 5").ok());
  ASSERT_TRUE(MigrateSchema(*db_, kSteps).ok());
  ASSERT_TRUE(MigrateSchema(*db_, kSteps).ok());
  EXPECT_EQ(db_->QueryInt64("SELECT x * 10 + y FROM a").value(), 57);
}

TEST_F(Schema, UndoesAStepThatFailsAndGoesOnFromThere) {
  const char* failing[] = {kSteps[0], "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1)"};
  EXPECT_FALSE(MigrateSchema(*db_, failing).ok());
  EXPECT_EQ(db_->UserVersion().value(), 1);
  EXPECT_EQ(db_->QueryInt64("SELECT COUNT(*) FROM sqlite_schema WHERE name = 'b'").value(), 0);
  EXPECT_TRUE(MigrateSchema(*db_, kSteps).ok());
}

TEST_F(Schema, RefusesALaterVersion) {
  ASSERT_TRUE(MigrateSchema(*db_, kSteps).ok());
  const absl::Status status = MigrateSchema(*db_, {kSteps[0]});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_NEWER");
}

TEST_F(Schema, RefusesADatabaseOfAnotherProgram) {
  ASSERT_TRUE(db_->Execute("CREATE TABLE theirs (x)").ok());
  const absl::Status status = MigrateSchema(*db_, kSteps);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DetailsOf(status).reason, "DATA_FOLDER_DAMAGED");
}

}  // namespace
}  // namespace lapse::storage
