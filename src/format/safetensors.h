// The safetensors container: u64 little-endian header length, JSON header, raw little-endian data.
//
// Knows tensors and strings, not models. Of the container's element types those of core/dtype.h are read.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/file.h"
#include "core/tensor.h"

namespace sooner {

struct Safetensors {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;  // "__metadata__"
  // Where each tensor's data stands in the file it was read from, in bytes; not used when writing.
  std::map<std::string, size_t> data_offsets;
};

// Throws kDataLoss naming `name` and the byte offset of what is wrong: lengths, offsets, overlaps, gaps, shape
// products, duplicate or hostile names, unknown dtypes, all before any tensor is allocated.
Safetensors parse_safetensors(std::span<const std::byte> file, const std::string& name);
// The same, and tensors share the file's bytes instead of copying them.
Safetensors view_safetensors(const MappedFile& file, const std::string& name);

// Largest elements first, then by name, so that every tensor is aligned to its element size without gaps; the header
// is padded with spaces until the data is 8-byte aligned. The same contents give the same bytes. Throws
// kInvalidArgument for a name that is empty, over 512 bytes, "__metadata__", not UTF-8 or holds control characters.
std::vector<std::byte> serialize_safetensors(const Safetensors& contents);
// The same bytes, tensor by tensor: contents too large to hold twice.
void write_safetensors(const Safetensors& contents, FileSink& sink);

}  // namespace sooner
