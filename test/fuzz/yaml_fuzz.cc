// Files of lapsectl apply: resources, or a list of mistakes.
#include <string>

#include "absl/status/status.h"
#include "cli/resource_file.h"
#include "test/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto resources = lapse::cli::ParseResources("file.yaml", text);
  FUZZ_CHECK(resources.ok() || absl::IsInvalidArgument(resources.status()));
  return 0;
}
