// Where what was shown differs from what was expected.
#ifndef LAPSE_TEST_CONFORMANCE_DIFFERENCES_H_
#define LAPSE_TEST_CONFORMANCE_DIFFERENCES_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace lapse::conformance {

class Differences {
 public:
  // Counts one; the first few are told.
  void Add(const std::string& text) {
    if (++count_ <= kMostTold) absl::StrAppend(&text_, text, "\n");
  }

  bool TellsMore() const { return count_ < kMostTold; }
  int64_t count() const { return count_; }
  std::string Text() const { return absl::StrCat(count_, " differences, such as\n", text_); }

 private:
  static constexpr int64_t kMostTold = 5;

  int64_t count_ = 0;
  std::string text_;
};

}  // namespace lapse::conformance

#endif  // LAPSE_TEST_CONFORMANCE_DIFFERENCES_H_
