// A model as an ONNX file, for other runtimes: the network's arithmetic, whole. Policies stay behind: ONNX has no
// exits, so a runtime that reads all of them computes all of them.
//
// Input "input" [batch, C, H, W], preprocessed as the model file says (metadata sooner.mean, sooner.std). Outputs, in
// the order of the exits: "exits.<k>.logits" [batch, classes], and "exits.<k>.gate" [batch, 1] in [0, 1] for an exit
// with a gate. A network of one exit has the single output "logits". Weights keep their names and their bits.
#pragma once

#include <string>
#include <vector>

#include "format/model_file.h"

namespace sooner {

enum class OnnxForm : uint8_t {
  kPlain,     // the backbone: the last exit only
  kAllExits,  // every exit's logits and gates
};

// The file's bytes. Throws kInvalidArgument when a weight is missing or the graph is not valid, kFailedPrecondition
// when the file would exceed protobuf's limit of 2 GiB.
std::string export_onnx(const ModelFile& file, OnnxForm form);

// One stage as a file of its own, so that a program in any language can leave between two of them.
struct OnnxStage {
  struct Value {
    std::string name;
    Shape shape;  // of one sample; the batch comes before it
  };
  std::string bytes;
  // "input" of stage 0, else what crosses the cut before it: "carry.<node>".
  std::vector<Value> inputs;
  // "logits", "gate" where the exit has one, and what crosses the cut behind it.
  std::vector<Value> outputs;
};

// In order. Throws what export_onnx throws.
std::vector<OnnxStage> export_onnx_stages(const ModelFile& file);

// What a program needs beside the files ("stage0.onnx", …): their inputs and outputs, exits, policy with thresholds and
// temperatures, classes, preprocessing, cost. JSON, docs/onnx_stages.md.
std::string onnx_stages_manifest(const ModelFile& file, const std::vector<OnnxStage>& stages);

}  // namespace sooner
