// `sooner exits`: what each early exit costs and saves, which of them are worth having, and the model with those alone.
#include <fmt/ranges.h>

#include <charconv>
#include <memory>
#include <optional>

#include "cli/data_flags.h"
#include "cli/engine_flags.h"
#include "cli/output.h"
#include "cli/policy_flags.h"
#include "cli/table.h"
#include "command.h"
#include "core/text.h"
#include "format/keep_exits.h"
#include "graph/keep_exits.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
#include "network_drawing.h"
#include "policy/policy_kind.h"
#include "tune/choosing/exit_savings.h"
#include "tune/choosing/greedy_exits.h"

namespace sooner {
namespace {

struct ExitsArguments {
  std::string model;
  std::string output;
  std::string keep;
  bool greedy = false;
  double drop = 0;
  int32_t most = -1;
  PolicyFlags policy;
  EngineFlags engine;
  DataChoice data;
  OutputForm form = OutputForm::kText;
};

// Where exit k stands, as `names:` placements call it.
std::string trunk_point(const Graph& graph, size_t k) { return graph.node(graph.stages[k].trunk.back()).name; }

// "0,2"; "none".
std::vector<size_t> exits_from_text(std::string_view text) {
  std::vector<size_t> exits;
  if (text == "none") return exits;
  for (const std::string& item : split(text, ',')) {
    size_t exit = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), exit);
    if (error != std::errc{} || end != item.data() + item.size()) {
      fail(Code::kInvalidArgument, "[exits] got '{}' in --keep, expected exits such as 0,2, or none", item);
    }
    exits.push_back(exit);
  }
  return exits;
}

void write_kept(const ModelFile& file, std::span<const size_t> kept, const ExitsArguments& arguments) {
  save_model(keep_exits(file, kept), arguments.output);
  say(fmt::format("{} with {} of {} early exits; choose its thresholds with `sooner tune`", arguments.output,
                  kept.size(), file.manifest.graph.exits() - 1));
}

void print_greedy(const ModelFile& file, const LogitTable& table, const ExitsArguments& arguments) {
  GreedyOptions options{.drop = arguments.drop / 100, .most = arguments.most};
  if (!arguments.policy.name.empty()) options.policy = arguments.policy.name;
  const Graph& graph = file.manifest.graph;
  options.exit_cost = [&](std::span<const size_t> kept) { return compute_cost(keep_exits(graph, kept)).exit_fraction; };
  const GreedyChoice choice = choose_exits(table, options);
  Table rows({"take", "exit", "at", "mean cost", "saves", "accuracy"});
  double before = choice.cost_without;
  for (size_t i = 0; i < choice.steps.size(); ++i) {
    const GreedyStep& step = choice.steps[i];
    rows.add({count(static_cast<int64_t>(i + 1)), count(static_cast<int64_t>(step.exit)),
              cell(trunk_point(graph, step.exit)), number(step.cost, 4), number(before - step.cost, 4),
              percent(step.quality)});
    before = step.cost;
  }
  rows.print(arguments.form);
  const std::vector<size_t> taken = choice.exits();
  std::vector<std::string> points;
  for (const size_t k : taken) points.push_back(trunk_point(graph, k));
  if (taken.empty()) {
    say("no early exit saves anything at that accuracy");
  } else {
    say(
        fmt::format("{} of {} early exits are worth their heads for {} at most {:.4g} points under the last exit: "
                    "exits = \"names:{}\"",
                    taken.size(), graph.exits() - 1, options.policy, arguments.drop, fmt::join(points, ",")));
  }
  if (!arguments.output.empty()) write_kept(file, taken, arguments);
}

void print_worth(const ModelFile& file, const LogitTable& table, const PolicySpec& policy, OutputForm form) {
  const Graph& graph = file.manifest.graph;
  const std::vector<double> savings = exit_savings(table, policy);
  const std::vector<double> accuracy = quality_of_exits(table);
  const Replay replayed = replay(table, *make_policy(policy, policy_context(table)));
  const GraphCost cost = compute_cost(graph);
  Table rows({"exit", "name", "at", "C", "accuracy alone", "leaves", "head costs", "saves", "worth it"});
  for (size_t k = 0; k < savings.size(); ++k) {
    const double head = static_cast<double>(cost.stages[k].skippable_macs) / static_cast<double>(cost.backbone_macs);
    rows.add({count(static_cast<int64_t>(k)), cell(graph.stages[k].exit.name), cell(trunk_point(graph, k)),
              number(table.exit_cost[k], 4), percent(accuracy[k]), percent(replayed.shares[k], 1), number(head, 4),
              number(savings[k], 4), cell(savings[k] > head ? "yes" : "no")});
  }
  rows.print(form);
  say(
      fmt::format("of a sample that reaches the exit, as fractions of the plain network's MACs; {}, on {} samples of "
                  "validation: {:.2f} % at {:.4f}",
                  policy_text(policy, graph.classes), table.samples, 100 * replayed.quality, replayed.cost));
}

void run(const ExitsArguments& arguments) {
  expect_output(arguments.output, "-o", {arguments.model});
  const ModelFile file = load_model(arguments.model);
  if (!arguments.keep.empty()) {
    if (arguments.greedy) fail(Code::kInvalidArgument, "[exits] got --keep and --greedy, expected one of them");
    if (arguments.output.empty()) fail(Code::kInvalidArgument, "[exits] --keep writes a model; name it with -o");
    return write_kept(file, exits_from_text(arguments.keep), arguments);
  }
  if (!arguments.greedy && !arguments.output.empty()) {
    fail(Code::kInvalidArgument, "[exits] got -o, which belongs to --keep or --greedy");
  }
  require_classes(file.manifest.quantity, "exits", "judging exits");
  if (file.manifest.graph.exits() == 1) {
    fail(Code::kFailedPrecondition, "[exits] '{}' has no early exits", arguments.model);
  }
  const ModelOptions options = model_options(arguments.engine);
  std::optional<PolicySpec> policy;
  if (!arguments.greedy) {
    policy = policy_spec(file.manifest, arguments.policy, options.precision);
    if (policy_kind(policy->name, static_cast<int32_t>(file.manifest.graph.classes)).fixed != nullptr) {
      fail(
          Code::kFailedPrecondition,
          "[exits] by the policy '{}' no exit is chosen by its answer, so none can be judged; run `sooner tune` first, "
          "or give --policy and --threshold",
          policy->name);
    }
  }
  const auto model = Model::from_file(file, options);
  const ModelData data = open_model_data(file.manifest, arguments.data);
  const LogitTable table = logit_table(model, load_all(file.manifest, data, data.splits.validation));
  if (arguments.greedy) {
    print_greedy(file, table, arguments);
  } else {
    print_worth(file, table, *policy, arguments.form);
  }
}

}  // namespace

void add_exits(CLI::App& app) {
  const auto arguments = std::make_shared<ExitsArguments>();
  app.add_option("model", arguments->model, "a .safetensors model with exits")->required();
  CLI::Option* greedy =
      app.add_flag("--greedy", arguments->greedy,
                   "take exits one at a time, each time the one that saves most, while accuracy stays above the floor; "
                   "train with exits = \"every\" to let it choose among all places");
  app.add_option("--drop", arguments->drop, "--greedy: the floor, in points under the last exit")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str()
      ->needs(greedy);
  app.add_option("--most", arguments->most, "--greedy: take no more exits than this")
      ->check(CLI::Range(1, 255))
      ->needs(greedy);
  CLI::Option* keep =
      app.add_option("--keep", arguments->keep, "write the model with these early exits alone: 0,2, or none");
  app.add_option("-o,--output", arguments->output, "the model to write");
  add_policy_options(app, &arguments->policy);
  exclude_policy_options(app, *keep);
  exclude_policy_options(app, *greedy, "--policy");
  add_engine_options(app, &arguments->engine);
  add_data_options(app, &arguments->data);
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
