// The safetensors container: u64 little-endian header length, JSON header, raw little-endian data.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace sooner {

struct Safetensors {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;  // "__metadata__"
};

// Throws kDataLoss naming `name` and the byte offset of what is wrong: lengths, offsets, overlaps, gaps, shape
// products, duplicate or hostile names, unknown dtypes, all before any tensor is allocated.
Safetensors parse_safetensors(std::span<const std::byte> file, const std::string& name);

// Tensors in name order, data 8-byte aligned, header padded with spaces.
std::vector<std::byte> serialize_safetensors(const Safetensors& contents);

}  // namespace sooner
