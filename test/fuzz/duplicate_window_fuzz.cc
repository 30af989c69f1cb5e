// The saved duplicate window: its file is read as it was written, or refused and the window is
// empty.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "storage/duplicate_window.h"
#include "storage/duplicate_window_file.h"
#include "test/fuzz/fuzz_target.h"
#include "xxhash.h"

namespace {

constexpr uint64_t kSeed = 42;
constexpr size_t kWindowEvents = 1'000;

const std::string& Path() {
  static const std::string* const path = [] {
    const char* folder = std::getenv("TEST_TMPDIR");
    return new std::string(
        absl::StrCat(folder == nullptr ? "/tmp" : folder, "/duplicate_window_fuzz.", getpid()));
  }();
  return *path;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lapse::fuzz::Input input(data, size);
  const bool with_checksum = input.Byte() % 2 == 1;
  std::string bytes(input.Rest());
  if (with_checksum) {
    const uint64_t checksum = XXH3_64bits(bytes.data(), bytes.size());
    bytes.append(reinterpret_cast<const char*>(&checksum), sizeof(checksum));
  }
  std::ofstream(Path(), std::ios::binary) << bytes;
  lapse::storage::DuplicateWindow window(kWindowEvents);
  const auto position = lapse::storage::LoadDuplicateWindow(Path(), kSeed, window);
  FUZZ_CHECK(position.ok() || absl::IsDataLoss(position.status()) ||
             absl::IsFailedPrecondition(position.status()));
  if (!position.ok()) FUZZ_CHECK(window.next_sequence() == 1);
  std::remove(Path().c_str());
  return 0;
}
