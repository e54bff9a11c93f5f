// `sooner attach`: early exits for a network that has been trained, and the configuration that trains their heads.
#include <filesystem>
#include <memory>

#include "cli/output.h"
#include "cli/table.h"
#include "command.h"
#include "core/file.h"
#include "core/text.h"
#include "format/new_model.h"
#include "graph/cost.h"
#include "zoo/initial_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

struct AttachArguments {
  std::string model;
  std::string output;
  NetworkDescription network{.backbone = {}, .exits = "linear:3", .head = "conv-gap-fc", .gate = "none"};
  std::string data;
  int64_t seed = 1;
  int32_t epochs = 12;
  OutputForm form = OutputForm::kText;
};

// As TOML writes it: within quotes.
std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result.push_back('\\');
    result.push_back(c);
  }
  return result + '"';
}

std::string configuration(const AttachArguments& arguments, const ModelFile& model, const std::string& data) {
  const Shape& shape = model.manifest.graph.input_shape;
  return fmt::format(
      "# Trains the exits of {0} on the network as it is: its last exit keeps its answers, bit by bit.\n"
      "# `sooner train THIS_FILE --print-config` shows every option with its meaning.\n"
      "name = {1}\n\n"
      "[data]\n"
      "name = {2}\n"
      "image_shape = [{3}, {4}, {5}]  # of folders and lists; other sets have their own\n\n"
      "[network]\n"
      "backbone = {6}\n"
      "exits = \"kept\"\n\n"
      "[train]\n"
      "regime = \"classifier-wise\"  # the network stays as it is, heads alone learn\n"
      "epochs = {7}\n",
      arguments.output, quoted(std::filesystem::path(arguments.output).stem().string()), quoted(data), shape[0],
      shape[1], shape[2], quoted("model:" + arguments.output), arguments.epochs);
}

std::string data_for(const AttachArguments& arguments, const ModelFile& plain) {
  if (!arguments.data.empty()) return arguments.data;
  const std::string& own = plain.manifest.provenance.data_set;
  if (own.empty()) {
    fail(Code::kInvalidArgument,
         "[attach] '{}' does not say which images it was trained on; give --data, such as cifar10 or folder:photos",
         arguments.model);
  }
  return own;
}

void run(const AttachArguments& arguments) {
  std::filesystem::path config(arguments.output);
  if (config.extension() == ".toml") {
    fail(Code::kInvalidArgument,
         "[attach] -o got '{}', the name of the configuration that goes beside the model; end it in .safetensors",
         arguments.output);
  }
  config.replace_extension(".toml");
  expect_no_input(arguments.output, "-o", {arguments.model});
  const ModelFile plain = load_model(arguments.model);
  const std::string data = data_for(arguments, plain);
  Graph graph = attach_described(plain.manifest.graph, arguments.network);
  if (graph.exits() == 1)
    fail(Code::kInvalidArgument, "[attach] --exits none attaches nothing; place some, such as linear:3");
  const TensorMap heads = initial_weights(graph, static_cast<uint64_t>(arguments.seed));
  const ModelFile model = attached_model(plain, std::move(graph), heads);
  save_model(model, arguments.output);
  write_file_atomically(config, configuration(arguments, model, data));
  const GraphCost cost = compute_cost(model.manifest.graph);
  Table table({"exit", "at", "cost", "head MACs", "head parameters", "bytes to carry"});
  for (size_t k = 0; k < cost.stages.size(); ++k) {
    const Stage& stage = model.manifest.graph.stages[k];
    const StageCost& stage_cost = cost.stages[k];
    int64_t head_parameters = 0;
    for (const NodeId id : stage.exit.head) head_parameters += cost.nodes[static_cast<size_t>(id)].parameters;
    const bool last = k + 1 == cost.stages.size();
    table.add({cell(stage.exit.name), cell(last ? "-" : model.manifest.graph.node(stage.trunk.back()).name),
               number(cost.exit_fraction[k], 4), count(stage_cost.head_macs), count(head_parameters),
               count(stage_cost.carry_bytes)});
  }
  table.print(arguments.form);
  say(fmt::format("{}: {} with {} early exits, not trained yet; nobody leaves before the last one", arguments.output,
                  model.manifest.graph.name, cost.stages.size() - 1));
  say(fmt::format("train their heads with: sooner train {}", config.string()));
}

}  // namespace

void add_attach(CLI::App& app) {
  const auto arguments = std::make_shared<AttachArguments>();
  NetworkDescription& network = arguments->network;
  app.add_option("model", arguments->model, "a .safetensors model without early exits")->required();
  app.add_option("-o,--output", arguments->output, "the model to write; its configuration goes beside it, as .toml")
      ->required();
  app.add_option(
         "--exits", network.exits,
         "where: linear:3, pareto:3, fine:3, golden:3, fractions:.3,.65 of the MACs, names:layer1,layer2, every")
      ->capture_default_str();
  app.add_option("--head", network.head,
                 "gap-fc, pool-fc[:S], conv-gap-fc[:C], conv2-fc[:C], branchy[:layers]; one, or "
                 "one for each exit between ';'")
      ->capture_default_str();
  app.add_option("--data", arguments->data, "images that train the heads; default: those the model was trained on");
  app.add_option("--epochs", arguments->epochs, "of that training")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--seed", arguments->seed, "of the heads' first weights")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
