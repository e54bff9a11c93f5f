// What an import is asked for and what it gives: a plain network, no exits but its own. Knows no ONNX.
#pragma once

#include <optional>
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

}  // namespace sooner
