#include "bench/workload/json_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "bench/workload/generator.h"
#include "bench/workload/oracle.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace lapse::bench {
namespace {

using ::testing::HasSubstr;

std::string ReadFile(const std::string& path) {
  std::ifstream stream(path);
  EXPECT_TRUE(stream.good()) << path;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<google::protobuf::Struct> ReadLines(const std::string& path) {
  std::istringstream stream(ReadFile(path));
  std::vector<google::protobuf::Struct> lines;
  for (std::string line; std::getline(stream, line);) {
    const auto status = google::protobuf::util::JsonStringToMessage(line, &lines.emplace_back());
    EXPECT_TRUE(status.ok()) << status << " in " << line;
  }
  return lines;
}

std::string Text(const google::protobuf::Struct& line, const std::string& field) {
  return line.fields().at(field).string_value();
}

TEST(JsonLinesTest, WritesEveryArrivalMonitorAndVerdict) {
  const Workload workload = GenerateWorkload({.event_count = 500});
  const std::string prefix = testing::TempDir() + "/written";
  ASSERT_TRUE(WriteJsonLines(workload, prefix).ok());

  const auto events = ReadLines(prefix + ".events.jsonl");
  ASSERT_EQ(events.size(), workload.arrivals.size());
  for (size_t i = 0; i < events.size(); ++i) {
    const Arrival& arrival = workload.arrivals[i];
    EXPECT_EQ(events[i].fields().at("copy").bool_value(), arrival.copy);
    EXPECT_EQ(Text(events[i].fields().at("event").struct_value(), "id"),
              workload.events[arrival.event].id());
  }

  std::map<std::string, int64_t> lines_by_monitor;
  for (const auto& line : ReadLines(prefix + ".expected.jsonl")) {
    ++lines_by_monitor[Text(line, "monitor")];
    const std::string verdict = Text(line, "verdict");
    EXPECT_EQ(line.fields().count("alert_state"),
              verdict == "VERDICT_MISSED" || verdict == "VERDICT_LATE");
  }
  const auto books = ReadLines(prefix + ".books.jsonl");
  ASSERT_EQ(books.size(), workload.monitors.size());
  for (const auto& line : books) {
    EXPECT_EQ(line.fields().at("opened").number_value(), lines_by_monitor[Text(line, "monitor")]);
  }
  EXPECT_EQ(ReadLines(prefix + ".monitors.jsonl").size(), workload.monitors.size());
}

TEST(JsonLinesTest, SameSeedWritesTheSameBytes) {
  const std::string first = testing::TempDir() + "/first";
  const std::string second = testing::TempDir() + "/second";
  for (const std::string& prefix : {first, second}) {
    ASSERT_TRUE(WriteJsonLines(GenerateWorkload({.event_count = 300}), prefix).ok());
  }
  for (const char* part : {".monitors.jsonl", ".events.jsonl", ".expected.jsonl", ".books.jsonl"}) {
    EXPECT_EQ(ReadFile(first + part), ReadFile(second + part)) << part;
  }
}

TEST(JsonLinesTest, NamesTheFileThatCannotBeWritten) {
  const absl::Status status = WriteJsonLines(GenerateWorkload({.event_count = 10}),
                                             testing::TempDir() + "/no-such-folder/x");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("no-such-folder/x.monitors.jsonl"));
}

}  // namespace
}  // namespace lapse::bench
