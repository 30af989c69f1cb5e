#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/limits.h"

namespace lapse::server {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Sets an environment variable for its own lifetime.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* const name_;
};

absl::StatusOr<Options> Parse(const std::vector<std::string>& flags, std::string* help) {
  std::vector<const char*> argv = {"lapsed"};
  for (const std::string& flag : flags) argv.push_back(flag.c_str());
  return ParseOptions(static_cast<int>(argv.size()), argv.data(), help);
}

absl::StatusOr<Options> Parse(const std::vector<std::string>& flags) {
  std::string help;
  absl::StatusOr<Options> options = Parse(flags, &help);
  EXPECT_EQ(help, "");
  return options;
}

std::string WriteConfig(const std::string& text) {
  const std::string path = ::testing::TempDir() + "/options_test.yaml";
  std::ofstream(path) << text;
  return path;
}

absl::StatusOr<Options> ParseConfig(const std::string& text, std::vector<std::string> flags = {}) {
  flags.insert(flags.end(), {"--config", WriteConfig(text)});
  return Parse(flags);
}

void ExpectRefused(const absl::Status& status, const std::string& field,
                   const std::vector<std::string>& words) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(DetailsOf(status).reason, "OPTION_INVALID");
  EXPECT_EQ(DetailsOf(status).field, field);
  for (const std::string& word : words) EXPECT_THAT(std::string(status.message()), HasSubstr(word));
}

TEST(OptionsTest, NothingSaidGivesTheDefaults) {
  const absl::StatusOr<Options> options = Parse({});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->data_folder, "lapse-data");
  EXPECT_EQ(options->listen, "127.0.0.1:7070");
  EXPECT_FALSE(options->insecure);
  EXPECT_FALSE(options->accept_loss);
  EXPECT_EQ(options->shard_count, 0);
  EXPECT_EQ(options->settle_us, 5 * limits::kMicrosPerSecond);
  EXPECT_EQ(options->idle_key_retention_us, limits::kMicrosPerHour);
  EXPECT_EQ(options->duplicate_window_events, 10'000'000u);
  EXPECT_EQ(options->checkpoint_interval_us, 30 * limits::kMicrosPerSecond);
  EXPECT_EQ(options->subscriber_write_timeout_us, limits::kMicrosPerMinute);
  EXPECT_EQ(options->event_retention_us, 30 * limits::kMicrosPerDay);
  EXPECT_EQ(options->log_file_bytes, 128ll << 20);
  EXPECT_EQ(options->max_event_age_us, 0);
  EXPECT_THAT(options->index_attributes, ElementsAre());
  EXPECT_EQ(options->log_level, "info");
}

TEST(OptionsTest, EveryOptionCanComeFromAFlagOrFromAFile) {
  const std::vector<std::vector<std::string>> words = {{"data-folder", "/d"},
                                                       {"listen", "0.0.0.0:1"},
                                                       {"shards", "64"},
                                                       {"settle", "0s"},
                                                       {"idle-key-retention", "1s"},
                                                       {"duplicate-window", "1000"},
                                                       {"log-file-mb", "1"},
                                                       {"checkpoint-interval", "100ms"},
                                                       {"event-retention", "1m"},
                                                       {"max-event-age", "2h"},
                                                       {"index-attributes", "city,shop"},
                                                       {"log-level", "warning"},
                                                       {"subscriber-write-timeout", "1s"}};
  std::vector<std::string> flags = {"--insecure", "--accept-loss"};
  std::string yaml = "insecure: true\naccept-loss: true\n";
  for (const auto& word : words) {
    flags.insert(flags.end(), {"--" + word[0], word[1]});
    yaml += word[0] + ": " + word[1] + "\n";
  }
  for (const absl::StatusOr<Options>& options : {Parse(flags), ParseConfig(yaml)}) {
    ASSERT_TRUE(options.ok()) << options.status();
    EXPECT_EQ(options->data_folder, "/d");
    EXPECT_EQ(options->listen, "0.0.0.0:1");
    EXPECT_TRUE(options->insecure);
    EXPECT_TRUE(options->accept_loss);
    EXPECT_EQ(options->shard_count, 64);
    EXPECT_EQ(options->settle_us, 0);
    EXPECT_EQ(options->idle_key_retention_us, limits::kMicrosPerSecond);
    EXPECT_EQ(options->duplicate_window_events, 1'000u);
    EXPECT_EQ(options->log_file_bytes, 1 << 20);
    EXPECT_EQ(options->checkpoint_interval_us, 100 * limits::kMicrosPerMilli);
    EXPECT_EQ(options->subscriber_write_timeout_us, limits::kMicrosPerSecond);
    EXPECT_EQ(options->event_retention_us, limits::kMicrosPerMinute);
    EXPECT_EQ(options->max_event_age_us, 2 * limits::kMicrosPerHour);
    EXPECT_THAT(options->index_attributes, ElementsAre("city", "shop"));
    EXPECT_EQ(options->log_level, "warning");
  }
}

TEST(OptionsTest, AFlagWinsOverTheEnvironmentAndThatOverTheFile) {
  const std::string yaml = "settle: 1s\nshards: 1\nlog-level: debug\nindex-attributes: [a, b]\n";
  const Variable settle("LAPSE_SETTLE", "2s");
  const Variable shards("LAPSE_SHARDS", "2");
  const Variable attributes("LAPSE_INDEX_ATTRIBUTES", "c,d");
  const absl::StatusOr<Options> options =
      ParseConfig(yaml, {"--settle", "3s", "--index-attributes", "e"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->settle_us, 3 * limits::kMicrosPerSecond);
  EXPECT_EQ(options->shard_count, 2);
  EXPECT_EQ(options->log_level, "debug");
  EXPECT_THAT(options->index_attributes, ElementsAre("e"));
  EXPECT_THAT(ParseConfig(yaml)->index_attributes, ElementsAre("c", "d"));
}

TEST(OptionsTest, TheFileItselfCanBeNamedByTheEnvironment) {
  const std::string path = WriteConfig("shards: 3\n");
  const Variable config("LAPSE_CONFIG", path.c_str());
  const absl::StatusOr<Options> options = Parse({});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->shard_count, 3);
}

TEST(OptionsTest, AnEmptyFileChangesNothing) {
  const absl::StatusOr<Options> options = ParseConfig("# nothing\n");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->settle_us, limits::kDefaultSettleUs);
}

TEST(OptionsTest, AListInAFileIsThatOfTheFlag) {
  const absl::StatusOr<Options> options = ParseConfig("index-attributes: [city, shop]\n");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_THAT(options->index_attributes, ElementsAre("city", "shop"));
}

struct Refusal {
  const char* name;
  const char* value;
  const char* allowed;
};

TEST(OptionsTest, AValueBeyondItsLimitIsRefusedByNameAndValueWithWhatIsAllowed) {
  const std::vector<Refusal> cases = {
      {"shards", "0", "a whole number from 1 to 64"},
      {"shards", "65", "a whole number from 1 to 64"},
      {"shards", "-1", "a whole number from 1 to 64"},
      {"shards", "two", "a whole number from 1 to 64"},
      {"shards", "99999999999999999999", "a whole number from 1 to 64"},
      {"settle", "-1s", "at least 0"},
      {"settle", "5", "500ms, 5s or 1h30m"},
      {"settle", "soon", "500ms, 5s or 1h30m"},
      {"settle", "87601h", "500ms, 5s or 1h30m"},
      {"settle", "inf", "500ms, 5s or 1h30m"},
      {"idle-key-retention", "999ms", "at least 1s"},
      {"duplicate-window", "999", "from 1000 to 100000000"},
      {"duplicate-window", "100000001", "from 1000 to 100000000"},
      {"checkpoint-interval", "99ms", "at least 100ms"},
      {"event-retention", "59s", "at least 1m"},
      {"max-event-age", "-1us", "at least 0"},
      {"log-file-mb", "0", "from 1 to 1024"},
      {"log-file-mb", "1025", "from 1 to 1024"},
      {"log-level", "loud", "trace, debug, info, warning, error"},
      {"listen", "7070", "HOST:PORT with a port from 0 to 65535"},
      {"listen", ":7070", "HOST:PORT"},
      {"listen", "127.0.0.1:65536", "HOST:PORT"},
      {"listen", "127.0.0.1:http", "HOST:PORT"},
      {"listen", "0.0.0.0:1", "--insecure"},
  };
  for (const Refusal& refusal : cases) {
    const std::string name = refusal.name;
    const std::string value = refusal.value;
    SCOPED_TRACE(name + "=" + value);
    const std::vector<std::string> words = {"--" + name, "\"" + value + "\"", refusal.allowed};
    ExpectRefused(Parse({"--" + name + "=" + value}).status(), name, words);
    ExpectRefused(ParseConfig(name + ": \"" + value + "\"\n").status(), name, words);
  }
}

TEST(OptionsTest, AnUnknownFlagIsRefused) {
  ExpectRefused(Parse({"--shard", "2"}).status(), "", {"--shard", "lapsed --help"});
  ExpectRefused(Parse({"serve"}).status(), "", {"serve", "lapsed --help"});
  ExpectRefused(Parse({"--shards"}).status(), "", {"--shards", "lapsed --help"});
}

TEST(OptionsTest, AFaultInTheFileIsToldWithItsLine) {
  struct Case {
    const char* yaml;
    std::vector<std::string> words;
  };
  const std::vector<Case> cases = {
      {"settle: 1s\n\nsetle: 2s\n", {"line 3", "\"setle\"", "did you mean \"settle\"?"}},
      {"config: other.yaml\n", {"line 1", "\"config\""}},
      {"settle: 1s\nshards: {a: 1}\n", {"line 2", "shards has no plain value"}},
      {"shards:\n", {"line 1", "shards has no plain value"}},
      {"settle: [1s\n", {"line "}},
      {"- settle\n", {"option: value"}},
      {"settle\n", {"option: value"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.yaml);
    ExpectRefused(ParseConfig(c.yaml).status(), "config", c.words);
  }
  ExpectRefused(Parse({"--config", "/no/such.yaml"}).status(), "config",
                {"/no/such.yaml", "cannot be read"});
}

TEST(OptionsTest, HelpNamesEveryOptionAndItsVariable) {
  std::string help;
  ASSERT_TRUE(Parse({"--help"}, &help).ok());
  for (const char* name :
       {"--config", "--data-folder", "--listen", "--insecure", "--shards", "--settle",
        "--idle-key-retention", "--duplicate-window", "--checkpoint-interval", "--event-retention",
        "--max-event-age", "--log-file-mb", "--accept-loss", "--log-level", "--index-attributes"}) {
    EXPECT_THAT(help, HasSubstr(name));
  }
  EXPECT_THAT(help, AllOf(HasSubstr("LAPSE_DATA_FOLDER"), HasSubstr("LAPSE_INSECURE")));
}

TEST(IsLoopbackTest, OnlyAnAddressOfThisMachineIsLoopback) {
  struct Case {
    const char* listen;
    bool loopback;
  };
  for (const Case& c : std::vector<Case>{{"127.0.0.1:1", true},
                                         {"127.0.0.1:0", true},
                                         {"127.0.0.1:65535", true},
                                         {"127.255.0.9:1", true},
                                         {"localhost:0", true},
                                         {"[::1]:1", true},
                                         {"127.example.com:1", false},
                                         {"127.0.0.1.example.com:1", false},
                                         {"localhost.example.com:1", false},
                                         {"0.0.0.0:1", false},
                                         {"128.0.0.1:1", false},
                                         {"[::]:1", false},
                                         {"10.0.0.1:1", false},
                                         {"127.1:1", false}}) {
    const absl::StatusOr<bool> loopback = IsLoopback(c.listen);
    ASSERT_TRUE(loopback.ok()) << c.listen << ": " << loopback.status();
    EXPECT_EQ(*loopback, c.loopback) << c.listen;
  }
}

TEST(IsLoopbackTest, AnotherFormIsRefused) {
  for (const char* listen :
       {"", "127.0.0.1", ":1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:x"}) {
    ExpectRefused(IsLoopback(listen).status(), "listen", {"HOST:PORT"});
  }
}

}  // namespace
}  // namespace lapse::server
