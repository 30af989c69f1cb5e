// micro: the parts of the core one at a time. Flags are Google Benchmark's.
#include <spdlog/spdlog.h>

#include "benchmark/benchmark.h"

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::warn);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
