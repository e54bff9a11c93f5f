// A classification network from an ONNX file, as a model: the graph of its operations, its weights by name, no exits
// but its own.
//
// Read is what convolutional classifiers are made of (import_operations; docs/onnx_import.md lists it); computations of
// shapes are carried out, views of values (flattening, channel shuffles, channels-last) are followed, and a softmax at
// the end is left out, since answers are logits here. Everything else is refused by the node's name.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "onnx/imported_network.h"
#include "onnx/imported_operations.h"

namespace sooner {

// Names are those of the file's weights ("layer1.0.conv1.weight" makes a node "layer1.0.conv1"), else of its nodes.
// Throws kDataLoss for a file that is damaged or hostile, kUnimplemented naming the node for what is not read,
// kInvalidArgument for options that do not fit it. `folder` holds external data; empty: there is none.
ImportedNetwork import_onnx(std::span<const std::byte> bytes, const std::string& name,
                            const std::filesystem::path& folder, const ImportOptions& options = {});
ImportedNetwork import_onnx(const std::filesystem::path& path, const ImportOptions& options = {});
}  // namespace sooner
