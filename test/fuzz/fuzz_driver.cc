// Runs a fuzz target without libFuzzer: every file of the corpus, then simple seeded mutations of
// them for some seconds.
//
//   NAME_fuzz_test [--seconds=N] [--seed=N] FILE-OR-FOLDER...
//
// An input that ends the process is kept as crash-SEED-RUN in the folder of the test's outputs, and
// its path is printed.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/clock.h"
#include "base/limits.h"
#include "test/fuzz/fuzz_target.h"

#ifdef __SANITIZE_ADDRESS__
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

namespace {

constexpr size_t kMaxInputBytes = 64 << 10;
constexpr int kMaxMutations = 6;
// An input that takes longer is a finding.
constexpr unsigned kMaxSeconds = 20;

// What runs now; for the handler of a crash.
const std::string* g_input = nullptr;
char g_crash_path[4'096];

void KeepInput() {
  if (g_input == nullptr) return;
  const int file = open(g_crash_path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
  const ssize_t written = write(file, g_input->data(), g_input->size());
  close(file);
  const char* const told = written < 0 ? "cannot keep the input as " : "the input is kept as ";
  for (const char* text : {told, static_cast<const char*>(g_crash_path), "\n"}) {
    if (write(STDERR_FILENO, text, std::char_traits<char>::length(text)) < 0) return;
  }
}

void OnCrash(int number) {
  KeepInput();
  signal(number, SIG_DFL);
  raise(number);
}

void WatchForCrashes() {
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM})
    signal(number, OnCrash);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(KeepInput);
#endif
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

std::vector<std::string> ReadCorpus(const std::vector<std::string>& names) {
  std::vector<std::filesystem::path> paths;
  for (const std::string& name : names) {
    if (!std::filesystem::is_directory(name)) {
      paths.push_back(name);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(name)) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
  }
  // So that a seed gives the same run everywhere.
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> corpus;
  for (const auto& path : paths) corpus.push_back(ReadFile(path));
  return corpus;
}

class Mutator {
 public:
  Mutator(uint64_t seed, const std::vector<std::string>& corpus) : random_(seed), corpus_(corpus) {}

  std::string Next() {
    std::string input = Any();
    for (int i = 0; i <= static_cast<int>(Below(kMaxMutations)); ++i) Mutate(&input);
    if (input.size() > kMaxInputBytes) input.resize(kMaxInputBytes);
    return input;
  }

 private:
  size_t Below(size_t end) { return end == 0 ? 0 : random_() % end; }
  const std::string& Any() { return corpus_[Below(corpus_.size())]; }

  void Mutate(std::string* input) {
    static constexpr char kEdges[] = {0, 1, 2, 8, 10, 16, 32, 64, 100, 127, -128, -1, -2};
    const size_t at = Below(input->size() + 1);
    const size_t length = Below(std::min<size_t>(input->size() - at, 64) + 1);
    switch (Below(8)) {
      case 0:
        if (at < input->size()) (*input)[at] ^= static_cast<char>(1u << Below(8));
        break;
      case 1:
        if (at < input->size()) (*input)[at] = static_cast<char>(random_());
        break;
      case 2:
        if (at < input->size()) (*input)[at] = kEdges[Below(std::size(kEdges))];
        break;
      case 3:
        input->insert(at, 1 + Below(4), static_cast<char>(random_()));
        break;
      case 4:
        input->erase(at, length);
        break;
      case 5:
        input->insert(Below(input->size() + 1), input->substr(at, length));
        break;
      case 6: {
        const std::string& other = Any();
        input->replace(at, length, other.substr(Below(other.size() + 1), Below(64)));
        break;
      }
      default:
        input->resize(at);
    }
  }

  std::mt19937_64 random_;
  const std::vector<std::string>& corpus_;
};

void Run(const std::string& input) {
  g_input = &input;
  alarm(kMaxSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  alarm(0);
  g_input = nullptr;
}

void NameCrash(int64_t seed, int64_t run) {
  const char* folder = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  std::snprintf(g_crash_path, sizeof(g_crash_path), "%s/crash-%lld-%lld",
                folder == nullptr ? "." : folder, static_cast<long long>(seed),
                static_cast<long long>(run));
}

}  // namespace

int main(int argc, char** argv) {
  int64_t seconds = 3;
  int64_t seed = 1;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    absl::string_view word = argv[i];
    if (absl::ConsumePrefix(&word, "--seconds=")) {
      if (!absl::SimpleAtoi(word, &seconds)) return 2;
    } else if (absl::ConsumePrefix(&word, "--seed=")) {
      if (!absl::SimpleAtoi(word, &seed)) return 2;
    } else {
      names.emplace_back(argv[i]);
    }
  }
  const std::vector<std::string> corpus = ReadCorpus(names);
  if (corpus.empty()) {
    std::fprintf(stderr, "no input: name files, or folders with files\n");
    return 2;
  }
  WatchForCrashes();
  int64_t run = 0;
  for (const std::string& input : corpus) {
    NameCrash(0, run++);
    Run(input);
  }
  lapse::Clock& clock = lapse::RealClock();
  const int64_t end_us = clock.SteadyUs() + seconds * lapse::limits::kMicrosPerSecond;
  Mutator mutator(static_cast<uint64_t>(seed), corpus);
  for (run = 0; clock.SteadyUs() < end_us; ++run) {
    NameCrash(seed, run);
    Run(mutator.Next());
  }
  std::printf("%zu inputs of the corpus and %lld mutations, seed %lld\n", corpus.size(),
              static_cast<long long>(run), static_cast<long long>(seed));
}
