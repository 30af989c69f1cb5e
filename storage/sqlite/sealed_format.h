// How a sealed file begins and ends. The machines we run on are little-endian.
#ifndef LAPSE_STORAGE_SQLITE_SEALED_FORMAT_H_
#define LAPSE_STORAGE_SQLITE_SEALED_FORMAT_H_

#include <cstdint>

namespace lapse::storage {

inline constexpr char kSealedMagic[8] = {'L', 'A', 'P', 'S', 'S', 'E', 'A', 'L'};

struct SealedHeader {
  char magic[8];
  uint32_t version;
  uint32_t unused;
};

struct SealedTail {
  int64_t footer_offset;
  int64_t footer_size;
  // XXH3-64 of the footer.
  uint64_t checksum;
  char magic[8];
};

static_assert(sizeof(SealedHeader) == 16);
static_assert(sizeof(SealedTail) == 32);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

}  // namespace lapse::storage

#endif  // LAPSE_STORAGE_SQLITE_SEALED_FORMAT_H_
