#include "storage/sealed_run.h"

#include <algorithm>
#include <map>
#include <random>

#include "gtest/gtest.h"

namespace lapse::storage {
namespace {

absl::string_view BlockAt(const EncodedRun& run, int64_t index) {
  return absl::string_view(run.blocks).substr(index * kRunBlockBytes, kRunBlockBytes);
}

std::vector<uint32_t> Find(const EncodedRun& run, uint32_t fingerprint) {
  std::vector<uint32_t> chunks;
  const BlockRange range = BlocksOf(run.fences, fingerprint);
  for (int64_t i = range.first; i < range.end; ++i) {
    EXPECT_TRUE(FindInBlock(BlockAt(run, i), run.fences[i], fingerprint, &chunks).ok());
  }
  return chunks;
}

// Up to `values` different fingerprints, in chunks up to `chunks`.
std::vector<RunEntry> RandomRun(uint64_t seed, size_t entries, uint32_t values, uint32_t chunks) {
  std::mt19937_64 random(seed);
  std::vector<RunEntry> run(entries);
  for (RunEntry& entry : run) {
    const auto value = static_cast<uint32_t>(random() % values);
    entry = {value * 0x9e3779b1u, static_cast<uint32_t>(random() % chunks)};
  }
  std::sort(run.begin(), run.end());
  run.erase(std::unique(run.begin(), run.end()), run.end());
  return run;
}

TEST(SealedRunTest, EveryEntryIsFoundAndNoOther) {
  std::mt19937_64 random(1);
  for (const auto& [entries, values, chunks] :
       std::vector<std::tuple<size_t, uint32_t, uint32_t>>{{1, 1, 1},
                                                           {10, 3, 2},
                                                           {5'000, 4, 4'000},
                                                           {20'000, UINT32_MAX, 64},
                                                           {20'000, 300, 900}}) {
    const std::vector<RunEntry> run = RandomRun(entries, entries, values, chunks);
    std::map<uint32_t, std::vector<uint32_t>> expected;
    for (const RunEntry& entry : run) expected[entry.fingerprint].push_back(entry.chunk);
    const EncodedRun encoded = EncodeRun(run);
    ASSERT_EQ(encoded.blocks.size(), encoded.fences.size() * kRunBlockBytes);
    for (const auto& [fingerprint, of_it] : expected) EXPECT_EQ(Find(encoded, fingerprint), of_it);
    for (int i = 0; i < 1'000; ++i) {
      const auto other = static_cast<uint32_t>(random());
      EXPECT_EQ(Find(encoded, other).empty(), expected.count(other) == 0);
    }
  }
}

TEST(SealedRunTest, EndsOfTheRangeAreFound) {
  const EncodedRun run = EncodeRun(std::vector<RunEntry>{{0, 0}, {0, 7}, {UINT32_MAX, 3}});
  EXPECT_EQ(Find(run, 0), (std::vector<uint32_t>{0, 7}));
  EXPECT_EQ(Find(run, UINT32_MAX), std::vector<uint32_t>{3});
}

TEST(SealedRunTest, EmptyRunHasNoBlocks) {
  EXPECT_TRUE(EncodeRun({}).blocks.empty());
  EXPECT_TRUE(Find({}, 5).empty());
}

TEST(SealedRunTest, AMillionEntriesTakeUnderThreeBytesEach) {
  const std::vector<RunEntry> run = RandomRun(1, 1'000'000, UINT32_MAX, 64);
  EXPECT_LT(EncodeRun(run).blocks.size(), 3 * run.size());
}

TEST(SealedRunTest, DamagedBlockIsDataLoss) {
  EncodedRun run = EncodeRun(RandomRun(1, 2'000, UINT32_MAX, 64));
  std::vector<uint32_t> chunks;
  for (const size_t place : {size_t{0}, size_t{4}, size_t{6}, size_t{7}, size_t{999}}) {
    run.blocks[place] = static_cast<char>(run.blocks[place] ^ 0x10);
    EXPECT_TRUE(absl::IsDataLoss(FindInBlock(BlockAt(run, 0), run.fences[0], 5, &chunks)));
    run.blocks[place] = static_cast<char>(run.blocks[place] ^ 0x10);
  }
  EXPECT_TRUE(absl::IsDataLoss(FindInBlock("short", 0, 5, &chunks)));
}

}  // namespace
}  // namespace lapse::storage
