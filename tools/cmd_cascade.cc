// `sooner cascade`: one model of whole networks, each asked only where those before were not sure.
#include <memory>
#include <vector>

#include "cli/output.h"
#include "cli/table.h"
#include "command.h"
#include "graph/cost.h"
#include "recipe/cascade_model.h"

namespace sooner {
namespace {

struct CascadeArguments {
  std::vector<std::string> models;
  std::string output;
  OutputForm form = OutputForm::kText;
};

// A cascade that begins with its dearest network saves nothing.
void warn_of_order(const std::vector<ModelFile>& models, const std::vector<std::string>& paths) {
  for (size_t i = 1; i < models.size(); ++i) {
    const int64_t before = compute_cost(models[i - 1].manifest.graph).backbone_macs;
    const int64_t own = compute_cost(models[i].manifest.graph).backbone_macs;
    if (before <= own) continue;
    say(fmt::format("warning: '{}' computes {} MACs, '{}' after it {}: networks go cheap to dear", paths[i - 1], before,
                    paths[i], own));
  }
}

void run(const CascadeArguments& arguments) {
  if (arguments.models.size() < 2) {
    fail(Code::kInvalidArgument, "[cascade] got one model, expected two or more, cheap to dear");
  }
  for (const std::string& path : arguments.models) expect_no_input(arguments.output, "-o", {path});
  std::vector<ModelFile> models;
  for (const std::string& path : arguments.models) models.push_back(load_model(path));
  const ModelFile joint = cascade_model(models);
  warn_of_order(models, arguments.models);
  save_model(joint, arguments.output);
  const GraphCost cost = compute_cost(joint.manifest.graph);
  Table table({"exit", "network", "name", "MACs so far", "cost"});
  size_t exit = 0;
  for (const ModelFile& model : models) {
    const Graph& own = model.manifest.graph;
    for (size_t k = 0; k < own.exits(); ++k, ++exit) {
      table.add({count(static_cast<int64_t>(exit)), cell(own.name), cell(joint.manifest.graph.stages[exit].exit.name),
                 count(cost.exit_macs[exit]), number(cost.exit_fraction[exit], 4)});
    }
  }
  table.print(arguments.form);
  say(fmt::format(
      "{}: {} networks, {} exits; costs are fractions of the last network's MACs; everybody still answers at "
      "the last exit",
      arguments.output, models.size(), exit));
  say(fmt::format("choose who leaves before with: sooner tune {} --policy max-prob --drop 0.3{}", arguments.output,
                  joint.manifest.provenance.config_toml.empty() ? " --data NAME --other-data" : ""));
}

}  // namespace

void add_cascade(CLI::App& app) {
  const auto arguments = std::make_shared<CascadeArguments>();
  app.add_option("models", arguments->models, ".safetensors models of the same classes and image shape, cheap to dear")
      ->required();
  app.add_option("-o,--output", arguments->output, "the model to write")->required();
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
