// Lives simulated lives and says which of them did not hold.
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "test/simulation/determinism.h"
#include "test/simulation/nursery.h"

namespace lapse::simulation {
namespace {

constexpr int kDefaultSteps = 60;

struct Arguments {
  uint64_t first = 1;
  uint64_t last = 1;
  int steps = kDefaultSteps;
  int jobs = 1;
  bool verbose = false;
  // Lives each life twice and holds one against the other.
  bool twice = false;
};

constexpr char kUsage[] =
    "usage: simulation [--seed N | --seeds A..B] [--steps N] [--jobs N] [--verbose] [--twice]\n";

bool SetValue(const std::string& name, const std::string& value, Arguments& arguments) {
  if (name == "--seed") {
    const bool valid = absl::SimpleAtoi(value, &arguments.first);
    arguments.last = arguments.first;
    return valid;
  }
  if (name == "--seeds") {
    const std::vector<std::string> ends = absl::StrSplit(value, "..");
    return ends.size() == 2 && absl::SimpleAtoi(ends[0], &arguments.first) &&
           absl::SimpleAtoi(ends[1], &arguments.last);
  }
  if (name == "--steps") return absl::SimpleAtoi(value, &arguments.steps);
  if (name == "--jobs") return absl::SimpleAtoi(value, &arguments.jobs) && arguments.jobs > 0;
  return false;
}

bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--verbose") {
      arguments.verbose = true;
    } else if (name == "--twice") {
      arguments.twice = true;
    } else if (++i == argc || !SetValue(name, argv[i], arguments)) {
      return false;
    }
  }
  return true;
}

class Tally {
 public:
  explicit Tally(const Arguments& arguments) : arguments_(arguments) {}

  void Add(const Nursery::Told& told) {
    std::string failure = told.failure;
    if (failure.empty() && arguments_.twice) failure = CompareTrace(told);
    for (const std::string& line : told.counts) {
      const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
      int64_t count = 0;
      if (parts.size() == 2 && absl::SimpleAtoi(parts[0], &count)) counts_[parts[1]] += count;
    }
    ++(failure.empty() ? passed_ : failed_);
    if (failure.empty()) return;
    std::printf("seed %llu failed: %s\n  again: simulation --seed %llu --steps %d --verbose\n",
                static_cast<unsigned long long>(told.seed), failure.c_str(),
                static_cast<unsigned long long>(told.seed), arguments_.steps);
    std::fflush(stdout);
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
  std::string CompareTrace(const Nursery::Told& told) {
    const auto [known, is_new] = traces_.emplace(told.seed, told.trace);
    if (is_new || known->second == told.trace) return "";
    return absl::StrCat("the same seed gave another life: ", known->second, " and ", told.trace);
  }

  const Arguments& arguments_;
  std::map<uint64_t, std::string> traces_;
  std::map<std::string, int64_t> counts_;
  int64_t passed_ = 0;
  int64_t failed_ = 0;
};

int Run(const Arguments& arguments, Nursery& nursery) {
  Tally tally(arguments);
  int running = 0;
  for (uint64_t seed = arguments.first; seed <= arguments.last; ++seed) {
    for (int life = 0; life < (arguments.twice ? 2 : 1); ++life) {
      if (running == arguments.jobs) {
        tally.Add(nursery.Wait());
        --running;
      }
      nursery.Start({.seed = seed, .steps = arguments.steps, .verbose = arguments.verbose});
      ++running;
    }
  }
  for (; running > 0; --running) tally.Add(nursery.Wait());
  return tally.Finish();
}

}  // namespace
}  // namespace lapse::simulation

int main(int argc, char** argv) {
  lapse::simulation::FixAddresses(argv);
  lapse::simulation::Nursery nursery;
  lapse::simulation::Arguments arguments;
  if (!lapse::simulation::Parse(argc, argv, arguments)) {
    std::fputs(lapse::simulation::kUsage, stderr);
    return 2;
  }
  return lapse::simulation::Run(arguments, nursery);
}
