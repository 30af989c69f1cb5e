#include "monitors/record_slab.h"

#include <map>
#include <random>
#include <set>
#include <string>

#include "base/fingerprint.h"
#include "gtest/gtest.h"
#include "monitors/key_table.h"

namespace lapse::monitors {
namespace {

std::string RandomRecord(std::mt19937_64& random) {
  const size_t most = random() % 20 == 0 ? RecordSlab::kMaxRecordBytes : 150;
  return std::string(1 + random() % most, static_cast<char>('a' + random() % 26));
}

TEST(RecordSlabTest, RecordsStayAsTheyWerePut) {
  std::mt19937_64 random(1);
  RecordSlab slab;
  std::map<RecordSlab::Place, std::pair<uint8_t, std::string>> records;
  for (int i = 0; i < 50'000; ++i) {
    const uint8_t kind = static_cast<uint8_t>(1 + random() % 15);
    const std::string record = RandomRecord(random);
    const auto picked = records.lower_bound(static_cast<RecordSlab::Place>(random() % 100'000));
    if (random() % 2 == 0 || picked == records.end()) {
      const RecordSlab::Place place = slab.Add(kind, record);
      ASSERT_TRUE(records.try_emplace(place, kind, record).second);
    } else if (random() % 4 == 0 && slab.Replace(picked->first, kind, record)) {
      picked->second = {kind, record};
    } else {
      slab.Free(picked->first);
      records.erase(picked);
    }
  }
  EXPECT_EQ(slab.record_count(), records.size());
  std::set<RecordSlab::Place> seen;
  slab.ForEach([&](RecordSlab::Place place) { seen.insert(place); });
  ASSERT_EQ(seen.size(), records.size());
  for (const auto& [place, record] : records) {
    EXPECT_EQ(seen.count(place), 1u);
    EXPECT_EQ(slab.KindAt(place), record.first);
    const std::string_view bytes = slab.BytesAt(place);
    EXPECT_EQ(bytes.substr(0, record.second.size()), record.second);
    EXPECT_LE(bytes.size(), record.second.size() + (record.second.size() < 380 ? 8 : 72));
  }
}

TEST(RecordSlabTest, FreedCellsAreUsedAgain) {
  RecordSlab slab;
  std::mt19937_64 random(1);
  std::vector<RecordSlab::Place> places;
  for (int i = 0; i < 2'000; ++i) places.push_back(slab.Add(1, std::string(60 + i % 20, 'x')));
  const size_t bytes = slab.total_bytes();
  for (int round = 0; round < 50; ++round) {
    for (RecordSlab::Place& place : places) {
      slab.Free(place);
      place = slab.Add(1, std::string(60 + random() % 20, 'x'));
    }
  }
  EXPECT_LE(slab.total_bytes(), bytes + bytes / 4);
}

TEST(RecordSlabTest, FreedCellsOfLargeRecordsAreUsedAgain) {
  RecordSlab slab;
  std::mt19937_64 random(1);
  const std::string bytes(RecordSlab::kMaxRecordBytes, 'x');
  const auto record = [&] { return std::string_view(bytes).substr(0, 400 + random() % 3'601); };
  std::vector<RecordSlab::Place> places;
  for (int i = 0; i < 200; ++i) places.push_back(slab.Add(1, record()));
  const size_t first_bytes = slab.total_bytes();
  for (int i = 0; i < 100'000; ++i) {
    RecordSlab::Place& place = places[random() % places.size()];
    const RecordSlab::Place moved = slab.Add(1, record());
    slab.Free(place);
    place = moved;
  }
  EXPECT_LE(slab.total_bytes(), 4 * first_bytes);
}

TEST(RecordSlabTest, WhatIsInTheMidstOfACellIsReadWithinTheSlab) {
  std::mt19937_64 random(1);
  RecordSlab slab;
  for (int i = 0; i < 5'000; ++i) {
    std::string record(50, '\0');
    for (char& c : record) c = static_cast<char>(random());
    slab.Add(1, record);
  }
  size_t bytes = 0;
  for (RecordSlab::Place place = 0; slab.Has(place); ++place) {
    for (const char c : slab.BytesAt(place)) bytes += static_cast<size_t>(c == 'x');
  }
  EXPECT_GT(bytes, 0u);
  EXPECT_FALSE(slab.Has(UINT32_MAX));
}

TEST(KeyTableTest, FindsWhatWasAddedMovedAndNotRemoved) {
  std::mt19937_64 random(1);
  KeyTable table;
  std::map<Fingerprint, KeyTable::Place> keys;
  const auto reset = [&] {
    table.Reset(keys.size());
    for (const auto& [key, place] : keys) table.Add(key, place);
  };
  KeyTable::Place next = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto picked = keys.lower_bound(Fingerprint{random(), 0});
    switch (picked == keys.end() ? 0 : random() % 5) {
      case 3:
        table.Move(picked->first, picked->second, next);
        picked->second = next++;
        break;
      case 4:
        table.Remove(picked->first, picked->second);
        keys.erase(picked);
        break;
      default: {
        const Fingerprint key{random(), random()};
        if (table.full()) reset();
        table.Add(key, next);
        keys[key] = next++;
      }
    }
  }
  for (const auto& [key, place] : keys) {
    EXPECT_EQ(table.Find(key, [&](KeyTable::Place at) { return at == place; }), place);
  }
  size_t wrong = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Fingerprint key{random(), random()};
    EXPECT_EQ(table.Find(key, [&](KeyTable::Place) { return ++wrong == 0; }), KeyTable::kNowhere);
  }
  EXPECT_LT(wrong, 500u) << "the tag keeps most others away";
}

}  // namespace
}  // namespace lapse::monitors
