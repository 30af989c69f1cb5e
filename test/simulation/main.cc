// Lives simulated lives, each in a process of its own, so that one that dies harms no other and
// each begins alike.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "spdlog/spdlog.h"
#include "test/simulation/determinism.h"
#include "test/simulation/life.h"

namespace lapse::simulation {
namespace {

constexpr int kDefaultSteps = 60;
// A life that hangs is ended after so long.
constexpr unsigned kAlarmSeconds = 300;

struct Arguments {
  uint64_t first = 1;
  uint64_t last = 1;
  int steps = kDefaultSteps;
  int jobs = 1;
  bool verbose = false;
  // Lives each life twice and holds one against the other.
  bool twice = false;
  // Tells each life's trace, which is the same for the same life.
  bool trace = false;
};

constexpr char kUsage[] =
    "usage: simulation [--seed N | --seeds A..B] [--steps N] [--jobs N] [--verbose] [--twice] "
    "[--trace]\n";

bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") arguments.verbose = true;
    if (name == "--twice") arguments.twice = true;
    if (name == "--trace") arguments.trace = true;
    if (name == "--verbose" || name == "--twice" || name == "--trace") continue;
    if (++i == argc) return false;
    const std::string value = argv[i];
    bool valid = false;
    if (name == "--seed") {
      valid = absl::SimpleAtoi(value, &arguments.first);
      arguments.last = arguments.first;
    } else if (name == "--seeds") {
      const std::vector<std::string> ends = absl::StrSplit(value, "..");
      valid = ends.size() == 2 && absl::SimpleAtoi(ends[0], &arguments.first) &&
              absl::SimpleAtoi(ends[1], &arguments.last);
    } else if (name == "--steps") {
      valid = absl::SimpleAtoi(value, &arguments.steps);
    } else if (name == "--jobs") {
      valid = absl::SimpleAtoi(value, &arguments.jobs) && arguments.jobs > 0;
    }
    if (!valid) return false;
  }
  return true;
}

// What a life's process tells of it: a line of status (empty: it held), its trace, its counts.
void TellReport(const LifeReport& report, FILE* out) {
  std::string message = report.status.ok() ? "" : report.status.ToString();
  std::replace(message.begin(), message.end(), '\n', '\t');
  std::fprintf(out, "%s\n%016llx\n", message.c_str(),
               static_cast<unsigned long long>(report.trace));
  for (const auto& [name, count] : report.counts) {
    std::fprintf(out, "%lld %s\n", static_cast<long long>(count), name.c_str());
  }
}

struct Child {
  pid_t pid = -1;
  uint64_t seed = 0;
  FILE* out = nullptr;
};

Child StartLife(uint64_t seed, const Arguments& arguments) {
  FILE* const out = std::tmpfile();
  if (out == nullptr) std::abort();
  const pid_t pid = ::fork();
  if (pid < 0) std::abort();
  if (pid == 0) {
    ::alarm(kAlarmSeconds);
    FixMemoryAndCounter();
    const LifeReport report =
        Live({.seed = seed, .steps = arguments.steps, .verbose = arguments.verbose});
    TellReport(report, out);
    std::fflush(out);
    ::_exit(0);
  }
  return {pid, seed, out};
}

class Tally {
 public:
  explicit Tally(const Arguments& arguments) : arguments_(arguments) {}

  void Add(const Child& child, int wait_status) {
    std::rewind(child.out);
    std::string text;
    char buffer[4096];
    for (size_t size; (size = std::fread(buffer, 1, sizeof(buffer), child.out)) > 0;)
      text.append(buffer, size);
    std::fclose(child.out);
    const std::vector<std::string> lines = absl::StrSplit(text, '\n');
    std::string failure;
    if (!WIFEXITED(wait_status) || lines.size() < 2) {
      failure = absl::StrCat("the simulation ended by signal ", WTERMSIG(wait_status));
    } else {
      failure = absl::StrJoin(std::vector<std::string>(absl::StrSplit(lines[0], '\t')), "\n");
      if (arguments_.trace) std::printf("trace %s\n", lines[1].c_str());
      if (failure.empty()) failure = CompareTrace(child.seed, lines[1]);
      AddCounts(lines);
    }
    Tell(child.seed, failure);
  }

  int Finish() const {
    for (const auto& [name, count] : counts_) {
      std::printf("%12lld %s\n", static_cast<long long>(count), name.c_str());
    }
    std::printf("%lld passed, %lld failed\n", static_cast<long long>(passed_),
                static_cast<long long>(failed_));
    return failed_ == 0 ? 0 : 1;
  }

 private:
  std::string CompareTrace(uint64_t seed, const std::string& trace) {
    const auto [known, is_new] = traces_.emplace(seed, trace);
    if (is_new && arguments_.twice) return "";
    const std::string first = known->second;
    traces_.erase(known);
    if (is_new || first == trace) return "";
    return absl::StrCat("the same seed gave another life: ", first, " and ", trace);
  }

  void AddCounts(const std::vector<std::string>& lines) {
    for (size_t i = 2; i < lines.size(); ++i) {
      const std::vector<std::string> parts = absl::StrSplit(lines[i], absl::MaxSplits(' ', 1));
      int64_t count = 0;
      if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &count)) counts_[parts[1]] += count;
    }
  }

  void Tell(uint64_t seed, const std::string& failure) {
    if (failure.empty()) {
      ++passed_;
      return;
    }
    ++failed_;
    std::printf("seed %llu failed: %s\n  again: simulation --seed %llu --steps %d --verbose\n",
                static_cast<unsigned long long>(seed), failure.c_str(),
                static_cast<unsigned long long>(seed), arguments_.steps);
    std::fflush(stdout);
  }

  const Arguments& arguments_;
  std::map<uint64_t, std::string> traces_;
  std::map<std::string, int64_t> counts_;
  int64_t passed_ = 0;
  int64_t failed_ = 0;
};

int Run(const Arguments& arguments) {
  std::vector<uint64_t> seeds;
  for (uint64_t seed = arguments.first; seed <= arguments.last; ++seed) {
    seeds.push_back(seed);
    if (arguments.twice) seeds.push_back(seed);
  }
  Tally tally(arguments);
  std::vector<Child> running;
  for (size_t next = 0; next < seeds.size() || !running.empty();) {
    if (next < seeds.size() && static_cast<int>(running.size()) < arguments.jobs) {
      running.push_back(StartLife(seeds[next++], arguments));
      continue;
    }
    int status = 0;
    const pid_t pid = ::wait(&status);
    const auto ended = std::find_if(running.begin(), running.end(),
                                    [pid](const Child& child) { return child.pid == pid; });
    if (ended == running.end()) continue;
    tally.Add(*ended, status);
    running.erase(ended);
  }
  return tally.Finish();
}

}  // namespace
}  // namespace lapse::simulation

int main(int argc, char** argv) {
  lapse::simulation::Arguments arguments;
  if (!lapse::simulation::Parse(argc, argv, arguments)) {
    std::fputs(lapse::simulation::kUsage, stderr);
    return 2;
  }
  lapse::simulation::FixAddresses(argv);
  spdlog::set_level(arguments.verbose ? spdlog::level::info : spdlog::level::off);
  return lapse::simulation::Run(arguments);
}
