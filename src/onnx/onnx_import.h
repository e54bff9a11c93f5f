// A classification network from an ONNX file, as a model: the graph of its operations, its weights by name, no exits
// but its own.
//
// Read is what convolutional classifiers are made of (import_operations; docs/onnx_import.md lists it); computations of
// shapes are carried out, views of values (flattening, channel shuffles, channels-last) are followed, and a softmax at
// the end is left out, since answers are logits here. Everything else is refused by the node's name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/model_file.h"

namespace sooner {

struct ImportOptions {
  std::optional<Shape> input_shape = {};  // [C, H, W]; needed where the file leaves extents open
  std::string output = {};                // which one answers; empty: the only one
  std::string name = {};                  // of the network; empty: the file's, without folder and extension
};

struct ImportedNetwork {
  Graph graph;                     // plain
  TensorMap tensors;               // every parameter of it
  std::vector<std::string> notes;  // what was changed or left out, for a person
};

// Names are those of the file's weights ("layer1.0.conv1.weight" makes a node "layer1.0.conv1"), else of its nodes.
// Throws kDataLoss for a file that is damaged or hostile, kUnimplemented naming the node for what is not read,
// kInvalidArgument for options that do not fit it. `folder` holds external data; empty: there is none.
ImportedNetwork import_onnx(std::span<const std::byte> bytes, const std::string& name,
                            const std::filesystem::path& folder, const ImportOptions& options = {});
ImportedNetwork import_onnx(const std::filesystem::path& path, const ImportOptions& options = {});

// Names of ONNX operations that are read, in alphabetical order.
std::vector<std::string> imported_operations();

}  // namespace sooner
