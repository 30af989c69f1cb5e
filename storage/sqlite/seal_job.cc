#include "storage/sqlite/seal_job.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "storage/sqlite/file_errors.h"
#include "storage/sqlite/file_io.h"

namespace lapse::storage {

std::string UnfinishedName(const std::string& target) { return absl::StrCat(target, ".tmp"); }

absl::StatusOr<std::unique_ptr<SealJob>> SealJob::Start(SealJobOptions options,
                                                        ChunkReaderPool& readers) {
  ASSIGN_OR_RETURN(auto writer, SealedFileWriter::Create(UnfinishedName(options.target),
                                                         options.seed, options.indexed));
  return std::unique_ptr<SealJob>(new SealJob(std::move(options), readers, std::move(writer)));
}

SealJob::SealJob(SealJobOptions options, ChunkReaderPool& readers,
                 std::unique_ptr<SealedFileWriter> writer)
    : options_(std::move(options)),
      readers_(readers),
      writer_(std::move(writer)),
      next_(options_.summary.first_position) {}

SealJob::~SealJob() {
  if (writer_ != nullptr) std::remove(UnfinishedName(options_.target).c_str());
}

absl::StatusOr<bool> SealJob::Step() {
  if (next_ > options_.summary.last_position) {
    RETURN_IF_ERROR(Publish());
    return true;
  }
  ASSIGN_OR_RETURN(auto reader, readers_.Take(options_.source));
  ASSIGN_OR_RETURN(std::vector<SealedEntry> entries,
                   reader->ReadToSeal(next_, options_.summary.last_position));
  next_ += static_cast<LogPosition>(entries.size());
  for (SealedEntry& entry : entries) RETURN_IF_ERROR(writer_->Add(std::move(entry)));
  return false;
}

absl::Status SealJob::Publish() {
  RETURN_IF_ERROR(writer_->Finish());
  const std::string unfinished = UnfinishedName(options_.target);
  if (std::rename(unfinished.c_str(), options_.target.c_str()) != 0)
    return FileError("rename", unfinished, errno);
  RETURN_IF_ERROR(SyncFolderOf(options_.target));
  writer_ = nullptr;
  return absl::OkStatus();
}

}  // namespace lapse::storage
