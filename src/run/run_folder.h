// The folder one training run leaves behind:
//
//   config.toml            the resolved configuration
//   env.json               machine, versions, effective precision and threads, data and split hashes, speed; see
//   environment.h log.txt                what was said metrics.jsonl          one JSON object an epoch, see
//   epoch_record.h tb/                    the same for TensorBoard checkpoints/{last,best}.safetensors features.bf16
//   frozen stages' features, while a phase reads them logits/validation.safetensors model.safetensors      the best
//   weights, when the run is finished .lock                  held while a process trains here
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace sooner {

class RunFolder {
 public:
  // Makes `root`/<name>-<n>, n the smallest number not yet taken. Throws as core/file.h does.
  static RunFolder create_numbered(const std::filesystem::path& root, const std::string& name);
  // Makes `path` itself. Throws kFailedPrecondition when it already holds a run.
  static RunFolder create(const std::filesystem::path& path);
  // Throws kNotFound unless `path` holds a config.toml.
  static RunFolder open(const std::filesystem::path& path);

  // Removes the folder again unless training has begun in it (there is a log) or somebody else put something there.
  void discard_if_unused() const;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path config() const { return path_ / "config.toml"; }
  [[nodiscard]] std::filesystem::path environment() const { return path_ / "env.json"; }
  [[nodiscard]] std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  [[nodiscard]] std::filesystem::path log() const { return path_ / "log.txt"; }
  [[nodiscard]] std::filesystem::path tensorboard() const { return path_ / "tb"; }
  [[nodiscard]] std::filesystem::path checkpoint(std::string_view name) const;  // "last", "best"
  [[nodiscard]] std::filesystem::path logits(std::string_view split) const;
  [[nodiscard]] std::filesystem::path features() const { return path_ / "features.bf16"; }
  [[nodiscard]] std::filesystem::path model() const { return path_ / "model.safetensors"; }

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

// Keeps other processes from training in the folder while it lives. A folder that is not there, cannot be written, or
// whose file system knows no locks is not locked: what is done with it then says why.
class RunLock {
 public:
  // Throws kFailedPrecondition where another process trains in `folder`.
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  int file_;
};

// The model of a run folder, or the path itself when it names a file. Throws kNotFound.
std::filesystem::path model_path(const std::filesystem::path& run_or_model);

// Appends one line. Throws as core/file.h does.
void append_line(const std::filesystem::path& path, std::string_view line);

// Keeps the first `lines` lines of a file (atomically); no file counts as none.
void keep_lines(const std::filesystem::path& path, size_t lines);

}  // namespace sooner
