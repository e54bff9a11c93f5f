// `sooner export`: the network as an ONNX file.
#include "command.h"
#include "core/file.h"
#include "core/text.h"
#include "format/model_file.h"
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
};

#ifdef SOONER_HAS_ONNX
void run(const ExportArguments& arguments) {
  const ModelFile file = load_model(arguments.model);
  const std::string bytes = export_onnx(file, arguments.plain ? OnnxForm::kPlain : OnnxForm::kAllExits);
  write_file_atomically(arguments.output, bytes);
  say(fmt::format("{}: {} of {}, {}", arguments.output, arguments.plain ? "the plain backbone" : "all exits",
                  file.manifest.graph.name, human_bytes(static_cast<double>(bytes.size()))));
}
#else
void run(const ExportArguments&) {
  fail(Code::kUnimplemented, "[export] this program was built without ONNX export; build it with -DSOONER_ONNX=ON");
}
#endif

}  // namespace

void add_export(CLI::App& app) {
  const auto arguments = std::make_shared<ExportArguments>();
  app.add_option("model", arguments->model, "a .safetensors model")->required();
  app.add_option("-o,--output", arguments->output, "the .onnx file to write")->required();
  CLI::Option_group* form = app.add_option_group("form", "which graph");
  form->add_flag("--plain", arguments->plain, "the backbone: the last exit's logits only");
  form->add_flag("--all-exits", arguments->all_exits, "every exit's logits and gates; nobody leaves early");
  form->require_option(1);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
