// What every fuzzer is made of: one function that any bytes may be given to, in the form that
// libFuzzer knows. It is linked with libFuzzer (`./dev fuzz`) or with fuzz_driver.cc (`./dev
// test`).
#ifndef LAPSE_TEST_FUZZ_FUZZ_TARGET_H_
#define LAPSE_TEST_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// A finding: ends the process, in every build.
#define FUZZ_CHECK(condition)                                                      \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (0)

namespace lapse::fuzz {

// Takes an input apart, from its front.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  // 0 at the end.
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const uint8_t byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  // A part that is told by its length, two bytes; cut off at the end.
  std::string_view Part() {
    const size_t high = Byte();
    const size_t size = high << 8 | Byte();
    const std::string_view part = rest_.substr(0, size);
    rest_.remove_prefix(part.size());
    return part;
  }
  std::string_view Rest() const { return rest_; }

 private:
  std::string_view rest_;
};

}  // namespace lapse::fuzz

#endif  // LAPSE_TEST_FUZZ_FUZZ_TARGET_H_
