#include "format/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "format/json_reader.h"

namespace sooner {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are copied as they are");

constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxRank = 16;
constexpr std::string_view kMetadataKey = "__metadata__";

// What a header entry says, checked against itself but not yet against the other entries.
struct Entry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  size_t begin = 0;  // from the start of the data
  size_t end = 0;
  size_t header_byte = 0;  // where the entry stands in the file, for messages
};

std::optional<DType> dtype_from_string(std::string_view name) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kS8, DType::kU8, DType::kI32, DType::kI64}) {
    if (to_string(dtype) == name) return dtype;
  }
  return std::nullopt;
}

class Reader {
 public:
  Reader(std::span<const std::byte> file, std::shared_ptr<std::byte> owner, const std::string& name)
      : file_(file), owner_(std::move(owner)), place_(fmt::format("safetensors '{}'", printable(name))) {}

  Safetensors read() {
    read_header_length();
    const auto* text = reinterpret_cast<const char*>(file_.data());
    const std::string_view header(text + kLengthBytes, data_begin_ - kLengthBytes);
    if (header.front() != '{') refuse(kLengthBytes, "the header does not start with '{'");
    const JsonDocument document = parse_json(header, place_, kLengthBytes);
    Safetensors result;
    std::vector<Entry> entries;
    for (const auto& [key, value] : document.root.items()) {
      const size_t at = kLengthBytes + document.key_ends.at(key);
      try {
        if (key == kMetadataKey) {
          if (!value.is_object()) refuse(at, "__metadata__ is not an object of strings");
          for (const auto& [name, item] : value.items()) result.metadata[name] = JsonValue(item, key).text();
        } else {
          entries.push_back(read_entry(key, value, at));
        }
      } catch (const Error& error) {
        if (error.code() != Code::kDataLoss || std::string_view(error.what()).starts_with('[')) throw;
        refuse(at, error.what());
      }
    }
    check_layout(entries);
    for (const Entry& entry : entries) {
      result.data_offsets[entry.name] = data_begin_ + entry.begin;
      result.tensors.emplace(entry.name, tensor_of(entry));
    }
    return result;
  }

 private:
  [[nodiscard]] Tensor tensor_of(const Entry& entry) const {
    const auto bytes = file_.subspan(data_begin_ + entry.begin, entry.end - entry.begin);
    if (owner_ != nullptr && reinterpret_cast<uintptr_t>(bytes.data()) % size_of(entry.dtype) == 0) {
      return Tensor::view(entry.dtype, entry.shape, {owner_, owner_.get() + (bytes.data() - file_.data())});
    }
    Tensor tensor(entry.dtype, entry.shape);
    if (!bytes.empty()) std::memcpy(tensor.raw().data(), bytes.data(), bytes.size());
    return tensor;
  }

  [[noreturn]] void refuse(size_t byte, std::string_view what) const {
    fail(Code::kDataLoss, "[{}] byte {}: {}", place_, byte, what);
  }

  void read_header_length() {
    if (file_.size() < kLengthBytes) {
      refuse(file_.size(), fmt::format("the file ends, expected {} bytes of header length", kLengthBytes));
    }
    uint64_t length = 0;
    std::memcpy(&length, file_.data(), kLengthBytes);
    if (length < 2 || length > kMaxJsonBytes) {
      refuse(0, fmt::format("got a header length of {}, expected 2 to {}; is this a .safetensors file?", length,
                            kMaxJsonBytes));
    }
    if (length > file_.size() - kLengthBytes) {
      refuse(0, fmt::format("got a header length of {}, but only {} bytes follow; the file is cut short", length,
                            file_.size() - kLengthBytes));
    }
    data_begin_ = kLengthBytes + static_cast<size_t>(length);
  }

  Entry read_entry(const std::string& name, const nlohmann::json& json, size_t at) const {
    if (!is_plain_name(name)) {
      refuse(at, fmt::format("'{}' is no tensor name (1 to 512 bytes, no control characters)", printable(name)));
    }
    const JsonValue value(json, fmt::format("tensor '{}'", printable(name)));
    value.require_keys({"dtype", "shape", "data_offsets"});
    Entry entry;
    entry.name = name;
    entry.header_byte = at;
    const std::string dtype_name = value["dtype"].text();
    const std::optional<DType> dtype = dtype_from_string(dtype_name);
    if (!dtype) {
      value.refuse(fmt::format("got element type '{}', expected F32, BF16, I8, U8, I32 or I64", printable(dtype_name)));
    }
    entry.dtype = *dtype;
    const auto data_bytes = static_cast<int64_t>(file_.size() - data_begin_);
    // An extent over the number of data bytes can only stand beside a zero.
    entry.shape = value["shape"].integers(kMaxRank, 0, int64_t{1} << 40);
    const std::vector<int64_t> offsets = value["data_offsets"].integers(2, 0, data_bytes);
    if (offsets.size() != 2 || offsets[0] > offsets[1]) value.refuse("data_offsets are no [begin, end] pair");
    entry.begin = static_cast<size_t>(offsets[0]);
    entry.end = static_cast<size_t>(offsets[1]);
    check_size(entry, value);
    return entry;
  }

  static void check_size(const Entry& entry, const JsonValue& value) {
    const size_t have = entry.end - entry.begin;
    size_t need = size_of(entry.dtype);
    if (std::find(entry.shape.begin(), entry.shape.end(), 0) != entry.shape.end()) need = 0;
    for (const int64_t extent : entry.shape) {
      if (need == 0) break;
      if (static_cast<size_t>(extent) > have / need) {  // so need never overflows
        value.refuse(fmt::format("shape {} needs more than the {} bytes of its data", to_string(entry.shape), have));
      }
      need *= static_cast<size_t>(extent);
    }
    if (need != have) {
      value.refuse(fmt::format("got {} bytes of data, expected {} for {} of shape {}", have, need,
                               to_string(entry.dtype), to_string(entry.shape)));
    }
    if (entry.begin % size_of(entry.dtype) != 0) {
      value.refuse(
          fmt::format("data begins at {}, not aligned to its {}-byte elements", entry.begin, size_of(entry.dtype)));
    }
  }

  // Every byte of the data belongs to exactly one tensor.
  void check_layout(std::vector<Entry>& entries) const {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    size_t next = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != next) {
        refuse(entry.header_byte, fmt::format("tensor '{}': data begins at {}, expected {}: {}", printable(entry.name),
                                              entry.begin, next, entry.begin < next ? "tensors overlap" : "a gap"));
      }
      next = entry.end;
    }
    if (next != file_.size() - data_begin_) {
      refuse(data_begin_ + next, fmt::format("{} bytes belong to no tensor", file_.size() - data_begin_ - next));
    }
  }

  std::span<const std::byte> file_;
  std::shared_ptr<std::byte> owner_;  // of file_; null: tensors are copied
  std::string place_;
  size_t data_begin_ = 0;
};

using Item = TensorMap::value_type;

std::vector<const Item*> file_order(const Safetensors& contents) {
  std::vector<const Item*> order;
  for (const Item& item : contents.tensors) {
    if (!is_plain_name(item.first) || item.first == kMetadataKey) {
      fail(Code::kInvalidArgument, "[safetensors] '{}' is no tensor name (1 to 512 bytes, no control characters)",
           printable(item.first));
    }
    order.push_back(&item);
  }
  std::sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    const size_t a_size = size_of(a->second.dtype());
    const size_t b_size = size_of(b->second.dtype());
    return a_size != b_size ? a_size > b_size : a->first < b->first;
  });
  return order;
}

std::string header_text(const Safetensors& contents, const std::vector<const Item*>& order) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!contents.metadata.empty()) header[std::string(kMetadataKey)] = contents.metadata;
  // Appending to the underlying vector keeps a header of n tensors from costing n^2.
  auto& members = header.get_ref<nlohmann::ordered_json::object_t&>();
  size_t data_bytes = 0;
  for (const Item* item : order) {
    const Tensor& tensor = item->second;
    nlohmann::ordered_json entry;
    entry["dtype"] = to_string(tensor.dtype());
    entry["shape"] = tensor.shape();
    entry["data_offsets"] = {data_bytes, data_bytes + tensor.bytes()};
    members.emplace_back(item->first, std::move(entry));
    data_bytes += tensor.bytes();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail(Code::kInvalidArgument, "[safetensors] a tensor name or metadata text is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

Safetensors parse_safetensors(std::span<const std::byte> file, const std::string& name) {
  return Reader(file, nullptr, name).read();
}

Safetensors view_safetensors(const MappedFile& file, const std::string& name) {
  return Reader(file.bytes(), file.data, name).read();
}

void write_safetensors(const Safetensors& contents, FileSink& sink) {
  const std::vector<const Item*> order = file_order(contents);
  const std::string text = header_text(contents, order);
  const uint64_t length = text.size();
  sink.write(std::as_bytes(std::span(&length, 1)));
  sink.write(text);
  for (const Item* item : order) sink.write(item->second.raw());
}

std::vector<std::byte> serialize_safetensors(const Safetensors& contents) {
  class Buffer final : public FileSink {
   public:
    using FileSink::write;
    void write(std::span<const std::byte> piece) override { bytes.insert(bytes.end(), piece.begin(), piece.end()); }
    std::vector<std::byte> bytes;
  };
  Buffer buffer;
  size_t size = kLengthBytes + 4096;  // of most headers
  for (const Item& item : contents.tensors) size += item.second.bytes();
  buffer.bytes.reserve(size);
  write_safetensors(contents, buffer);
  return std::move(buffer.bytes);
}

}  // namespace sooner
