// `sooner import`: a network trained elsewhere, from an ONNX file or from weights by name, as a model file.
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>

#include "cli/output.h"
#include "command.h"
#include "core/file.h"
#include "core/text.h"
#include "cut_table.h"
#include "format/named_weights.h"
#include "format/new_model.h"
#include "graph/cost.h"
#include "graph/parameters.h"
#include "zoo/zoo.h"
#ifdef SOONER_HAS_ONNX
#include "onnx/onnx_import.h"
#endif

namespace sooner {
namespace {

struct ImportArguments {
  std::string source;
  std::string output;
  std::string backbone;
  std::string input_shape;
  std::string answer;
  std::string name;
  std::string classes;
  std::string classes_file;
  std::string mean, std;
  bool all_places = false;
  bool operations = false;
  OutputForm form = OutputForm::kText;
};

// What is imported, before it is a model.
struct Imported {
  Graph graph;
  TensorMap tensors;
  std::vector<std::string> notes;
};

std::optional<Shape> shape_from_text(const std::string& text) {
  if (text.empty()) return std::nullopt;
  Shape shape;
  for (const std::string& item : split(text, ',')) shape.push_back(parse_integer("--input-shape", item, 1, 1 << 16));
  if (shape.size() != 3) {
    fail(Code::kInvalidArgument, "[import] got --input-shape {}, expected channels,rows,columns such as 3,224,224",
         text);
  }
  return shape;
}

std::vector<double> numbers_from_text(const std::string& text, std::string_view option) {
  std::vector<double> numbers;
  if (text.empty()) return numbers;
  for (const std::string& item : split(text, ',')) numbers.push_back(parse_number(option, item));
  return numbers;
}

std::vector<std::string> class_names(const ImportArguments& arguments) {
  if (!arguments.classes.empty()) return split(arguments.classes, ',');
  std::vector<std::string> names;
  if (arguments.classes_file.empty()) return names;
  for (std::string& line : split(read_text(arguments.classes_file), '\n')) {
    if (line.ends_with('\r')) line.pop_back();
    names.push_back(std::move(line));
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  return names;
}

// As many classes as the file's last layer answers with.
Imported import_weights(const ImportArguments& arguments) {
  if (arguments.backbone.empty()) {
    fail(Code::kInvalidArgument,
         "[import] '{}' holds weights alone; name the network they are of with --backbone, such as resnet18",
         arguments.source);
  }
  const std::optional<Shape> shape = shape_from_text(arguments.input_shape);
  if (!shape) {
    fail(Code::kInvalidArgument,
         "[import] weights do not tell what images look like; give --input-shape, such as 3,224,224");
  }
  const Safetensors file = view_safetensors(map_file(arguments.source), arguments.source);
  constexpr int64_t kAnyNumber = 10;
  Graph graph = backbone_from_string(arguments.backbone, *shape, kAnyNumber);
  // The last layer with weights answers: SqueezeNet's is a convolution.
  std::string last;
  for (const ParameterSpec& spec : parameters(graph)) {
    if (spec.kind == ParameterKind::kWeight) last = spec.name;
  }
  for (const auto& [name, tensor] : file.tensors) {
    if ((name == last || name.ends_with("." + last)) && !tensor.shape().empty()) {
      graph = backbone_from_string(arguments.backbone, *shape, tensor.shape()[0]);
    }
  }
  NamedWeights weights = take_named_weights(graph, file, arguments.source);
  return {std::move(graph), std::move(weights.tensors), std::move(weights.notes)};
}

#ifdef SOONER_HAS_ONNX
Imported import_network(const ImportArguments& arguments) {
  ImportedNetwork network = import_onnx(
      std::filesystem::path(arguments.source),
      {.input_shape = shape_from_text(arguments.input_shape), .output = arguments.answer, .name = arguments.name});
  return {std::move(network.graph), std::move(network.tensors), std::move(network.notes)};
}

void list_operations() { fmt::print("{}\n", fmt::join(imported_operations(), "\n")); }
#else
[[noreturn]] void without_onnx() {
  fail(Code::kUnimplemented, "[import] this program was built without ONNX; build it with -DSOONER_ONNX=ON");
}
Imported import_network(const ImportArguments&) { without_onnx(); }
void list_operations() { without_onnx(); }
#endif

bool ends_in(const std::string& path, std::string_view extension) {
  return std::filesystem::path(path).extension() == extension;
}

void run(const ImportArguments& arguments) {
  if (arguments.operations) return list_operations();
  if (arguments.source.empty() || arguments.output.empty()) {
    fail(Code::kInvalidArgument, "[import] expected a file to read and -o, the model to write; see --help");
  }
  expect_no_input(arguments.output, "-o", {arguments.source, arguments.classes_file});
  const bool weights = ends_in(arguments.source, ".safetensors");
  if (weights && !(arguments.answer.empty() && arguments.name.empty())) {
    fail(Code::kInvalidArgument, "[import] --output-name and --name are for ONNX files, '{}' holds weights",
         arguments.source);
  }
  if (!weights && !arguments.backbone.empty()) {
    fail(Code::kInvalidArgument, "[import] --backbone is for weights (.safetensors); '{}' brings its own network",
         arguments.source);
  }
  Imported imported = weights ? import_weights(arguments) : import_network(arguments);
  const ModelFile model = imported_model(std::move(imported.graph), std::move(imported.tensors),
                                         {.class_names = class_names(arguments),
                                          .mean = numbers_from_text(arguments.mean, "--mean"),
                                          .std = numbers_from_text(arguments.std, "--std")});
  save_model(model, arguments.output);
  const Graph& graph = model.manifest.graph;
  const GraphCost cost = compute_cost(graph);
  say(fmt::format("{}: {}, images of {}, {} classes, {} MACs, {} parameters", arguments.output, graph.name,
                  to_string(graph.input_shape), graph.classes, human_count(static_cast<double>(cost.backbone_macs)),
                  human_count(static_cast<double>(cost.parameters))));
  for (const std::string& note : imported.notes) say("note: " + note);
  if (arguments.mean.empty() || arguments.std.empty()) {
    say("note: pixels / 255 go in as they are; where the network was trained on normalised ones, say --mean and --std");
  }
  cut_table(graph, arguments.all_places).print(arguments.form);
}

}  // namespace

void add_import(CLI::App& app) {
  const auto arguments = std::make_shared<ImportArguments>();
  app.add_option("source", arguments->source, "an .onnx file, or weights by name as .safetensors");
  app.add_option("-o,--output", arguments->output, "the .safetensors model to write");
  app.add_option("--backbone", arguments->backbone,
                 "for weights: the network they are of, such as resnet18 or vgg16:bn");
  app.add_option("--input-shape", arguments->input_shape,
                 "channels,rows,columns; for weights, and for ONNX files that leave them open");
  app.add_option("--output-name", arguments->answer, "for ONNX files with several outputs: the one that answers");
  app.add_option("--name", arguments->name, "of the network; default: the ONNX file's, without its extension");
  CLI::Option* list = app.add_option("--classes", arguments->classes, "names of the classes, separated by commas");
  app.add_option("--classes-file", arguments->classes_file, "the same, one a line")->excludes(list);
  app.add_option("--mean", arguments->mean, "subtracted from pixels / 255: one number, or one a channel");
  app.add_option("--std", arguments->std, "they are then divided by: one number, or one a channel");
  app.add_flag("--all-places", arguments->all_places,
               "list every place for an exit, not only the deepest between layers");
  app.add_flag("--operations", arguments->operations, "list the ONNX operations that are read, and stop");
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
