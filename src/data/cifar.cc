#include "data/cifar.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/file.h"
#include "data/memory_source.h"
#include "data/tar_stream.h"

namespace sooner {
namespace {

constexpr size_t kImageBytes = size_t{3} * 32 * 32;
constexpr int32_t kCoarseClasses = 20;

struct Layout {
  std::vector<std::string> train, test;  // file names
  size_t label_bytes;                    // the last one is the label
  int32_t classes;
};

const Layout& layout(Cifar kind) {
  static const Layout ten{
      {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
      {"test_batch.bin"},
      1,
      10};
  static const Layout hundred{{"train.bin"}, {"test.bin"}, 2, 100};
  return kind == Cifar::k10 ? ten : hundred;
}

using Contents = std::map<std::string, std::vector<uint8_t>>;  // by file name

Contents read_archive(const std::filesystem::path& path, const std::vector<std::string>& wanted) {
  Contents contents;
  TarStream tar(path);
  while (const auto entry = tar.next()) {
    const std::string name = std::filesystem::path(entry->name).filename().string();
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    if (contents.contains(name)) {
      fail(Code::kDataLoss, "[cifar] '{}' holds '{}' twice, expected once; fetch it again", path.string(), name);
    }
    contents[name] = tar.read();
  }
  return contents;
}

Contents read_folder(const std::filesystem::path& folder, const std::vector<std::string>& wanted) {
  Contents contents;
  for (const std::string& name : wanted) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(folder / name, error);
    if (error == std::errc::no_such_file_or_directory) continue;
    if (error) fail_io("cifar", "reading", folder / name, error.value());
    ByteStream stream(folder / name);
    contents[name] = stream.read_vector(bytes, "the records");
  }
  return contents;
}

void append_records(const Layout& form, const std::filesystem::path& where, const std::string& name,
                    std::span<const uint8_t> bytes, std::vector<uint8_t>& pixels, std::vector<int32_t>& labels) {
  const size_t record = form.label_bytes + kImageBytes;
  if (bytes.empty() || bytes.size() % record != 0) {
    fail(Code::kDataLoss,
         "[cifar] '{}' in '{}' holds {} bytes, expected a multiple of {} (label and 32x32 RGB); fetch it again", name,
         where.string(), bytes.size(), record);
  }
  for (size_t at = 0; at < bytes.size(); at += record) {
    const auto check = [&](size_t byte, int32_t classes) {
      if (bytes[byte] < classes) return;
      fail(Code::kDataLoss, "[cifar] '{}' in '{}' has label {} at byte {}, expected 0 to {}; fetch it again", name,
           where.string(), bytes[byte], byte, classes - 1);
    };
    const size_t fine = at + form.label_bytes - 1;
    if (form.label_bytes == 2) check(at, kCoarseClasses);
    check(fine, form.classes);
    labels.push_back(bytes[fine]);
    const auto image = bytes.subspan(fine + 1, kImageBytes);
    pixels.insert(pixels.end(), image.begin(), image.end());
  }
}

std::shared_ptr<const ImageSource> join(const Layout& form, const std::filesystem::path& where,
                                        const std::vector<std::string>& names, Contents& contents) {
  std::vector<uint8_t> pixels;
  std::vector<int32_t> labels;
  size_t total = 0;
  for (const std::string& name : names) {
    const auto found = contents.find(name);
    if (found == contents.end()) {
      fail(Code::kNotFound, "[cifar] '{}' has no '{}', expected {}; fetch the binary version of the set",
           where.string(), name, fmt::join(names, ", "));
    }
    total += found->second.size();
  }
  pixels.reserve(total);
  for (const std::string& name : names) {
    append_records(form, where, name, contents[name], pixels, labels);
    contents.erase(name);  // 30 MB each, no longer needed
  }
  return std::make_shared<const MemorySource>(cifar_shape(), std::move(pixels), std::move(labels));
}

}  // namespace

Shape cifar_shape() { return {3, 32, 32}; }

CifarParts read_cifar(Cifar kind, const std::filesystem::path& where) {
  const Layout& form = layout(kind);
  std::vector<std::string> wanted = form.train;
  wanted.insert(wanted.end(), form.test.begin(), form.test.end());
  std::error_code ignored;
  Contents contents =
      std::filesystem::is_directory(where, ignored) ? read_folder(where, wanted) : read_archive(where, wanted);
  CifarParts parts;
  parts.train = join(form, where, form.train, contents);
  parts.test = join(form, where, form.test, contents);
  return parts;
}

}  // namespace sooner
