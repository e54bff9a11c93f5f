// `sooner export`: the network as ONNX files, or its weights by name.
#include <filesystem>

#include "cli/output.h"
#include "command.h"
#include "core/file.h"
#include "core/text.h"
#include "format/model_file.h"
#include "format/named_weights.h"
#include "graph/keep_exits.h"
#ifdef SOONER_HAS_ONNX
#include "onnx/onnx_export.h"
#endif

namespace sooner {
namespace {

struct ExportArguments {
  std::string model;
  std::string output;
  bool plain = false;
  bool all_exits = false;
  bool stages = false;
  bool weights = false;
};

#ifdef SOONER_HAS_ONNX
void export_network(const ModelFile& file, const ExportArguments& arguments) {
  const std::string bytes = export_onnx(file, arguments.plain ? OnnxForm::kPlain : OnnxForm::kAllExits);
  write_file_atomically(arguments.output, bytes);
  say(fmt::format("{}: {} of {}, {}", arguments.output, arguments.plain ? "the plain backbone" : "all exits",
                  file.manifest.graph.name, human_bytes(static_cast<double>(bytes.size()))));
}

void export_stages(const ModelFile& file, const ExportArguments& arguments) {
  const std::vector<OnnxStage> stages = export_onnx_stages(file);
  const std::filesystem::path folder(arguments.output);
  make_folder(folder);
  for (size_t k = 0; k < stages.size(); ++k) {
    write_file_atomically(folder / fmt::format("stage{}.onnx", k), stages[k].bytes);
  }
  // Last, so that it never names a file that is not there.
  write_file_atomically(folder / "stages.json", onnx_stages_manifest(file, stages));
  say(fmt::format("{}: {} stages of {}, and stages.json, which says how they belong together", arguments.output,
                  stages.size(), file.manifest.graph.name));
}
#else
[[noreturn]] void export_network(const ModelFile&, const ExportArguments&) {
  fail(Code::kUnimplemented, "[export] this program was built without ONNX; build it with -DSOONER_ONNX=ON");
}
[[noreturn]] void export_stages(const ModelFile& file, const ExportArguments& arguments) {
  export_network(file, arguments);
}
#endif

void export_weights(const ModelFile& file, const ExportArguments& arguments) {
  const Safetensors weights = state_dict_of(plain_backbone(file.manifest.graph), file.tensors);
  write_file_atomically(arguments.output, [&](FileSink& sink) { write_safetensors(weights, sink); });
  say(fmt::format("{}: {} tensors of the plain {}, by name", arguments.output, weights.tensors.size(),
                  file.manifest.graph.name));
}

void run(const ExportArguments& arguments) {
  expect_no_input(arguments.output, "-o", {arguments.model});
  const ModelFile file = load_model(arguments.model);
  if (arguments.weights) return export_weights(file, arguments);
  if (arguments.stages) return export_stages(file, arguments);
  export_network(file, arguments);
}

}  // namespace

void add_export(CLI::App& app) {
  const auto arguments = std::make_shared<ExportArguments>();
  app.add_option("model", arguments->model, "a .safetensors model")->required();
  app.add_option("-o,--output", arguments->output,
                 "the .onnx file to write; with --stages the folder, with --weights the .safetensors file")
      ->required();
  CLI::Option_group* form = app.add_option_group("form", "which graph");
  form->add_flag("--plain", arguments->plain, "the backbone: the last exit's logits only");
  form->add_flag("--all-exits", arguments->all_exits, "every exit's logits and gates; nobody leaves early");
  form->add_flag("--stages", arguments->stages, "every stage as a file of its own, and stages.json");
  form->add_flag("--weights", arguments->weights,
                 "no ONNX: the backbone's weights as PyTorch's load_state_dict reads them (safetensors)");
  form->require_option(1);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
