#include "storage/duplicate_window.h"

#include <cstdio>
#include <fstream>
#include <string>
#include <unordered_map>

#include "base/proto_time.h"
#include "gtest/gtest.h"
#include "storage/duplicate_window_file.h"
#include "storage/test_entries.h"
#include "xxhash.h"

namespace lapse::storage {
namespace {

constexpr int64_t kSecond = limits::kMicrosPerSecond;
constexpr uint64_t kSeed = 42;

EventDigest Digest(int64_t n, uint64_t content = 0) {
  return {FingerprintOf(kSeed, {std::to_string(n)}), content};
}

int64_t SequenceOf(const DuplicateWindow& window, int64_t n, int64_t now_us = kTestTimeUs) {
  const auto first = window.Find(Digest(n), now_us);
  return first ? first->sequence : 0;
}

TEST(DuplicateWindowTest, TellsTheFirstOnesSequenceAndWhetherTheContentDiffers) {
  DuplicateWindow window(100);
  window.Insert(Digest(1, 7), kTestTimeUs);
  window.Insert(Digest(2, 8), kTestTimeUs);
  EXPECT_EQ(window.Find(Digest(2, 8), kTestTimeUs)->sequence, 2);
  EXPECT_FALSE(window.Find(Digest(2, 8), kTestTimeUs)->conflicting);
  EXPECT_TRUE(window.Find(Digest(2, 9), kTestTimeUs)->conflicting);
  EXPECT_FALSE(window.Find(Digest(3), kTestTimeUs).has_value());
}

TEST(DuplicateWindowTest, RecognisesExactlyTheLastCapacityEvents) {
  constexpr int64_t kCapacity = 1'000;
  DuplicateWindow window(kCapacity);
  for (int64_t n = 1; n <= 200'000; ++n) {
    window.Insert(Digest(n), kTestTimeUs);
    if (n % 9'973 != 0) continue;
    ASSERT_EQ(SequenceOf(window, n), n);
    ASSERT_EQ(SequenceOf(window, n - kCapacity + 1), n - kCapacity + 1);
    ASSERT_EQ(SequenceOf(window, n - kCapacity), 0);
  }
}

TEST(DuplicateWindowTest, ForgetsByAge) {
  DuplicateWindow window(100);
  window.Insert(Digest(1), kTestTimeUs);
  window.Insert(Digest(2), kTestTimeUs + 10 * kSecond);
  const int64_t later = kTestTimeUs + limits::kDuplicateWindowUs;
  EXPECT_EQ(SequenceOf(window, 1, later), 1);
  EXPECT_EQ(window.OldestSequence(later), 1);
  EXPECT_EQ(SequenceOf(window, 1, later + kSecond), 0);
  EXPECT_EQ(SequenceOf(window, 2, later + kSecond), 2);
  EXPECT_EQ(window.OldestSequence(later + kSecond), 2);
  window.Insert(Digest(1), later + kSecond);
  EXPECT_EQ(SequenceOf(window, 1, later + kSecond), 3) << "a later repeat is a new event";
}

TEST(DuplicateWindowTest, ServerIdsTakeAPlaceAndMatchNothing) {
  DuplicateWindow window(2);
  window.Insert(Digest(1), kTestTimeUs);
  window.Insert(EventDigest(), kTestTimeUs);
  EXPECT_FALSE(window.Find(EventDigest(), kTestTimeUs).has_value());
  EXPECT_EQ(SequenceOf(window, 1), 1);
  window.Insert(EventDigest(), kTestTimeUs);
  EXPECT_EQ(SequenceOf(window, 1), 0);
}

// Undoes a random number of inserts again and again, beside a plain model, over many turns of a
// small ring.
TEST(DuplicateWindowTest, UndoLeavesEverythingAsItWasBefore) {
  constexpr int64_t kCapacity = 500;
  DuplicateWindow window(kCapacity);
  std::unordered_map<int64_t, int64_t> model;
  uint64_t random = 1;
  const auto next_random = [&random] { return (random = random * 6364136223846793005u + 1) >> 33; };
  int64_t n = 0;
  while (window.next_sequence() < 150'000) {
    const int64_t start = window.next_sequence();
    const int64_t group = 1 + static_cast<int64_t>(next_random() % 3'000);
    for (int64_t i = 0; i < group; ++i) window.Insert(Digest(n + i), kTestTimeUs);
    if (next_random() % 2 == 0) {
      window.UndoFrom(start);
    } else {
      for (int64_t i = 0; i < group; ++i) model[n + i] = start + i;
      n += group;
    }
    for (int check = 0; check < 20; ++check) {
      const int64_t key = static_cast<int64_t>(next_random() % static_cast<uint64_t>(n + group));
      const auto it = model.find(key);
      const bool in_reach = it != model.end() && it->second >= window.next_sequence() - kCapacity;
      ASSERT_EQ(SequenceOf(window, key), in_reach ? it->second : 0);
    }
    for (int64_t back = 0; back < std::min<int64_t>(n, kCapacity); back += 7) {
      ASSERT_NE(SequenceOf(window, n - 1 - back), 0) << back;
    }
  }
}

TEST(DuplicateWindowTest, ManyUndoneGroupsDoNotFillTheIndex) {
  DuplicateWindow window(1'000);
  for (int round = 0; round < 2'000; ++round) {
    const int64_t start = window.next_sequence();
    for (int i = 0; i < 500; ++i) window.Insert(Digest(round * 500 + i), kTestTimeUs);
    window.UndoFrom(start);
  }
  window.Insert(Digest(-1), kTestTimeUs);
  EXPECT_EQ(SequenceOf(window, -1), 1);
  EXPECT_EQ(SequenceOf(window, 1), 0);
}

EventDigest DigestOfEvent(const lapse::v1::Event& event) {
  return DigestOf(kSeed, EventBatch::Of(event).events()[0]);
}

// What is hashed, as the first version wrote it down: windows that are saved hold it.
void AddSized(const std::string& text, std::string* out) {
  const uint32_t size = static_cast<uint32_t>(text.size());
  out->append(reinterpret_cast<const char*>(&size), sizeof(size));
  out->append(text);
}

template <typename T>
void AddRaw(T value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

TEST(DuplicateWindowTest, DigestIsThatOfEveryVersion) {
  lapse::v1::Event event = TestEvent("a-1", "A-17", kTestTimeUs + 5);
  (*event.mutable_attributes())["amount"].set_int64_value(-5);
  (*event.mutable_attributes())["express"].set_bool_value(true);
  (*event.mutable_attributes())["weight"].set_double_value(1.5);
  std::string content;
  AddSized("order_created", &content);
  AddRaw<char>(1, &content);
  AddRaw<int64_t>(kTestTimeUs / 1'000'000, &content);
  AddRaw<int32_t>(5'000, &content);
  AddSized("amount", &content);
  AddRaw<char>(3, &content);
  AddRaw<int64_t>(-5, &content);
  AddSized("express", &content);
  AddRaw<char>(2, &content);
  AddRaw<char>(1, &content);
  AddSized("order_id", &content);
  AddRaw<char>(1, &content);
  AddSized("A-17", &content);
  AddSized("weight", &content);
  AddRaw<char>(4, &content);
  AddRaw<double>(1.5, &content);
  const EventDigest digest = DigestOfEvent(event);
  EXPECT_EQ(digest.content, XXH3_64bits_withSeed(content.data(), content.size(), kSeed));
  EXPECT_EQ(digest.key, FingerprintOf(kSeed, {"test", "a-1"}));
}

TEST(DuplicateWindowTest, ContentIsTypeTimeAndAttributesInAnyOrder) {
  lapse::v1::Event event = TestEvent("a", "1", kTestTimeUs);
  (*event.mutable_attributes())["amount"].set_int64_value(5);
  lapse::v1::Event same = TestEvent("a", "other", kTestTimeUs);
  (*same.mutable_attributes())["amount"].set_int64_value(5);
  (*same.mutable_attributes())["order_id"].set_string_value("1");
  EXPECT_EQ(DigestOfEvent(event).content, DigestOfEvent(same).content);
  EXPECT_EQ(DigestOfEvent(event).key, DigestOfEvent(same).key);
  const auto differs = [&](auto change) {
    lapse::v1::Event changed = event;
    change(changed);
    return DigestOfEvent(changed).content != DigestOfEvent(event).content;
  };
  EXPECT_TRUE(differs([](auto& e) { e.set_type("order_paid"); }));
  EXPECT_TRUE(differs([](auto& e) { SetTimestamp(kTestTimeUs + 1, e.mutable_occur_time()); }));
  EXPECT_TRUE(differs([](auto& e) { e.clear_occur_time(); }));
  EXPECT_TRUE(differs([](auto& e) { e.clear_attributes(); }));
  EXPECT_TRUE(differs([](auto& e) { (*e.mutable_attributes())["amount"].set_double_value(5); }));
  EXPECT_FALSE(differs([](auto& e) { e.set_source("elsewhere"); })) << "that is the key's part";
}

class DuplicateWindowFileTest : public testing::Test {
 protected:
  void SetUp() override { std::remove(path_.c_str()); }

  void Save(const DuplicateWindow& window, int64_t first) {
    auto writer =
        DuplicateWindowWriter::Create(path_, {kSeed, 77, first, window.next_sequence() - first});
    ASSERT_TRUE(writer.ok()) << writer.status();
    std::vector<DuplicateWindow::Entry> entries;
    ASSERT_TRUE(window.Copy(first, window.next_sequence(), &entries));
    ASSERT_TRUE((*writer)->Add(entries).ok());
    ASSERT_TRUE((*writer)->Finish().ok());
  }

  const std::string path_ = testing::TempDir() + "/window";
};

TEST_F(DuplicateWindowFileTest, LoadedWindowAnswersAsTheSavedOne) {
  DuplicateWindow window(1'000);
  for (int64_t n = 1; n <= 5'000; ++n) window.Insert(Digest(n, n), kTestTimeUs);
  Save(window, 4'001);
  DuplicateWindow loaded(1'000);
  const auto position = LoadDuplicateWindow(path_, kSeed, loaded);
  ASSERT_TRUE(position.ok()) << position.status();
  EXPECT_EQ(*position, 77);
  EXPECT_EQ(loaded.next_sequence(), 5'001);
  for (int64_t n = 4'001; n <= 5'000; ++n) {
    ASSERT_EQ(loaded.Find(Digest(n, n), kTestTimeUs)->sequence, n);
    ASSERT_FALSE(loaded.Find(Digest(n, n), kTestTimeUs)->conflicting);
  }
  EXPECT_EQ(SequenceOf(loaded, 4'000), 0);
}

TEST_F(DuplicateWindowFileTest, MissingForeignAndDamagedFilesAreToldApart) {
  DuplicateWindow window(100);
  EXPECT_EQ(LoadDuplicateWindow(path_, kSeed, window).status().code(), absl::StatusCode::kNotFound);
  for (int64_t n = 1; n <= 50; ++n) window.Insert(Digest(n), kTestTimeUs);
  Save(window, 1);
  EXPECT_EQ(LoadDuplicateWindow(path_, kSeed + 1, window).status().code(),
            absl::StatusCode::kFailedPrecondition);
  std::ifstream in(path_, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (size_t i = 16; i < bytes.size(); i += 5) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    std::ofstream(path_, std::ios::binary) << damaged;
    DuplicateWindow loaded(100);
    ASSERT_EQ(LoadDuplicateWindow(path_, kSeed, loaded).status().code(),
              absl::StatusCode::kDataLoss)
        << i;
    ASSERT_EQ(loaded.next_sequence(), 1);
  }
  for (size_t size = 0; size < bytes.size(); size += 7) {
    std::ofstream(path_, std::ios::binary) << bytes.substr(0, size);
    DuplicateWindow loaded(100);
    ASSERT_EQ(LoadDuplicateWindow(path_, kSeed, loaded).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
}

TEST_F(DuplicateWindowFileTest, UnfinishedSaveLeavesTheFileBefore) {
  DuplicateWindow window(100);
  window.Insert(Digest(1), kTestTimeUs);
  Save(window, 1);
  { ASSERT_TRUE(DuplicateWindowWriter::Create(path_, {kSeed, 99, 1, 5}).ok()); }
  DuplicateWindow loaded(100);
  EXPECT_EQ(LoadDuplicateWindow(path_, kSeed, loaded).value(), 77);
  EXPECT_FALSE(std::ifstream(path_ + ".tmp").good());
}

}  // namespace
}  // namespace lapse::storage
