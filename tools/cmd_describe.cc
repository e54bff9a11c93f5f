// `sooner describe`: a model as a person wants to see it.
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "command.h"
#include "core/text.h"
#include "format/manifest.h"
#include "format/model_file.h"
#include "format/policy_json.h"
#include "graph/cost.h"
#include "graph/shape_inference.h"
#include "network_drawing.h"
#include "policy/guarantee_text.h"
#include "policy/policy_kind.h"
#include "policy/standing.h"
#include "runtime/model.h"

namespace sooner {
namespace {

struct DescribeArguments {
  std::string model;
  bool nodes = false;
  OutputForm form = OutputForm::kText;
};

// Only the accuracy drop's choice is compared with all others.
std::string optimality(const CalibrationRecord& record) {
  using Kind = CalibrationRule::Kind;
  if (record.rule.kind != Kind::kAccuracyDrop && record.rule.kind != Kind::kErrorRise) return "";
  if (record.optimality_gap <= 0) return "; no cheaper thresholds meet the rule there";
  return fmt::format("; cheaper thresholds could save at most {:.4f} of the plain MACs there", record.optimality_gap);
}

// What each exit costs and saves a sample that reaches it. A head that a later one reads would stay without its exit.
std::string worth(const CalibrationRecord& record, const GraphCost& cost) {
  std::vector<std::string> parts;
  for (size_t k = 0; k < record.exit_savings.size(); ++k) {
    const double head = static_cast<double>(cost.stages[k].skippable_macs) / static_cast<double>(cost.backbone_macs);
    parts.push_back(fmt::format("exit {} costs {:.4f} and saves {:.4f}{}", k, head, record.exit_savings[k],
                                record.exit_savings[k] > head ? "" : " (not worth its head)"));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

// The engine that this machine would run the file with at the record's precision: does the record hold there?
Origin engine_of(const CalibrationRecord& record, const ModelFile& file, const std::string& hash) {
  const std::string& precision = record.origin.precision;  // empty: calibrated on a table of unknown origin
  return origin_here(file, hash, precision.empty() ? Precision::kF32 : precision_from_string(precision),
                     *make_backend("auto"));
}

// What the record promises, or why it does not; or that its thresholds are stale. Empty: neither.
std::string standing_line(const CalibrationRecord& record, const ModelFile& file, const std::string& hash) {
  const Origin engine = engine_of(record, file, hash);
  const Standing found = standing(record, engine);
  if (found == Standing::kHolds) return record.guarantee ? "guarantee: " + guarantee_text(record) : "";
  if (record.guarantee) return "NO guarantee: the promise " + standing_text(found, record, engine);
  return found == Standing::kOtherWeights ? "STALE: " + standing_text(found, record, engine) : "";
}

void print_calibration(const CalibrationRecord& record, const ModelFile& file, const std::string& hash,
                       const GraphCost& cost) {
  const Manifest& manifest = file.manifest;
  const Origin& origin = record.origin;
  const std::optional<Quantity>& quantity = manifest.quantity;
  std::vector<double> shares;
  for (const double share : record.exit_shares) shares.push_back(100 * share);
  fmt::print("  {}: {}\n", rule_text(record, static_cast<int32_t>(manifest.graph.classes)),
             policy_text(record.policy, manifest.graph.classes));
  fmt::print("    called '{}'\n", record_name(record));
  fmt::print("    expected {} at {:.3f} of the plain MACs (last exit {}), exit shares {:.1f} %\n",
             quality_text(quantity, record.quality), record.cost_fraction,
             quality_text(quantity, record.last_exit_quality), fmt::join(shares, " / "));
  fmt::print("    on {} samples of {} (split {}), {} logits of {} on {}{}\n", record.samples, origin.data_set,
             origin.split_hash, origin.precision, origin.backend, origin.instruction_set, optimality(record));
  if (!record.exit_savings.empty()) fmt::print("    of the plain MACs, per sample there: {}\n", worth(record, cost));
  if (const std::string line = standing_line(record, file, hash); !line.empty()) fmt::print("    {}\n", line);
}

void print_quantisation(const Quantisation& quantisation, const std::string& hash) {
  fmt::print("quantised: scales of {} maps ({}) from {} samples of {} (split {}){}\n", quantisation.scales.size(),
             quantisation.method, quantisation.samples, quantisation.data_set, quantisation.split_hash,
             quantisation.model_hash == hash ? "" : "; measured on OTHER WEIGHTS, run `sooner quantize` again");
}

void print_nodes(const Graph& graph, const GraphCost& cost) {
  const std::vector<Shape> shapes = infer_shapes(graph);
  fmt::print("\n{:<34} {:<16} {:<12} {:>12} {:>10}\n", "node", "operation", "shape", "MACs", "parameters");
  for (size_t k = 0; k < graph.stages.size(); ++k) {
    const auto print = [&](NodeId id) {
      const auto i = static_cast<size_t>(id);
      fmt::print("{:<34} {:<16} {:<12} {:>12} {:>10}\n", graph.nodes[i].name, to_string(graph.nodes[i].op),
                 to_string(shapes[i]), cost.nodes[i].macs, cost.nodes[i].parameters);
    };
    for (const NodeId id : graph.stages[k].trunk) print(id);
    for (const NodeId id : graph.stages[k].exit.head) print(id);
  }
}

// As a model file has it, and what to give to --threshold for exactly these.
nlohmann::ordered_json described(const PolicySpec& policy, int32_t classes) {
  nlohmann::ordered_json json = policy_to_json(policy, kFormatVersion, classes);
  if (policy.thresholds.empty()) return json;
  const ThresholdUnit& unit = policy_kind(policy.name, classes).unit;
  std::vector<std::string> arguments;
  for (const double score : scores_of(policy.thresholds)) {
    arguments.push_back(threshold_argument(score, unit, classes));
  }
  json["thresholds"]["arguments"] = arguments;
  return json;
}

void run_json(const ModelFile& file, const GraphCost& cost) {
  const Manifest& manifest = file.manifest;
  nlohmann::ordered_json json;
  json["network"] = manifest.graph.name;
  const std::string hash = model_hash(file);
  json["model_hash"] = hash;
  json["data_set"] = manifest.provenance.data_set;
  json["input_shape"] = manifest.graph.input_shape;
  json["classes"] = manifest.class_names;
  if (manifest.quantity) json["quantity"] = {{"name", manifest.quantity->name}, {"unit", manifest.quantity->unit}};
  json["parameters"] = cost.parameters;
  json["plain_macs"] = cost.backbone_macs;
  json["peak_activation_bytes"] = cost.peak_activation_bytes;
  for (size_t k = 0; k < manifest.graph.stages.size(); ++k) {
    const StageCost& stage = cost.stages[k];
    json["stages"].push_back({{"exit", manifest.graph.stages[k].exit.name},
                              {"trunk_macs", stage.trunk_macs},
                              {"head_macs", stage.head_macs},
                              {"exit_macs", cost.exit_macs[k]},
                              {"exit_fraction", cost.exit_fraction[k]},
                              {"parameters", stage.parameters},
                              {"carry_bytes", stage.carry_bytes}});
  }
  json["policy"] = described(manifest.policy, static_cast<int32_t>(manifest.graph.classes));
  if (const auto& weights = manifest.cost_weights) {
    json["cost_weights"] = {{"low", weights->low}, {"high", weights->high}, {"standard", weights->standard}};
  }
  if (manifest.quantisation) {
    json["quantisation"] = {{"method", manifest.quantisation->method},
                            {"samples", manifest.quantisation->samples},
                            {"model_hash", manifest.quantisation->model_hash},
                            {"maps", manifest.quantisation->scales.size()}};
  }
  const std::string word(quality_word(manifest.quantity));
  for (const CalibrationRecord& record : manifest.calibrations) {
    const Origin engine = engine_of(record, file, hash);
    const Standing found = standing(record, engine);
    const std::string why_not = standing_text(found, record, engine);
    json["calibrations"].push_back({{"name", record_name(record)},
                                    {"policy", described(record.policy, static_cast<int32_t>(manifest.graph.classes))},
                                    {"rule", rule_text(record, static_cast<int32_t>(manifest.graph.classes))},
                                    {"holds_here", found == Standing::kHolds},
                                    {"why_not", why_not},
                                    {word, quality_number(manifest.quantity, record.quality)},
                                    {"cost_fraction", record.cost_fraction},
                                    {"exit_shares", record.exit_shares},
                                    {"exit_savings", record.exit_savings},
                                    {"optimality_gap", record.optimality_gap},
                                    {"samples", record.samples},
                                    {"weights_hash", record.origin.weights_hash},
                                    {"data_set", record.origin.data_set},
                                    {"split_hash", record.origin.split_hash},
                                    {"precision", record.origin.precision},
                                    {"backend", record.origin.backend},
                                    {"instruction_set", record.origin.instruction_set}});
    if (!record.guarantee) continue;
    const RiskTerms& terms = *record.rule.risk;
    json["calibrations"].back()["guarantee"] = {
        {"holds_here", found == Standing::kHolds},
        {"level", terms.level},
        {"delta", terms.delta.value_or(0)},
        {"loss", to_string(terms.loss)},
        {"bound", terms.delta ? to_string(terms.bound) : "conformal"},
        {"promises", terms.promises},
        {"number", record.guarantee->number},
        {"withdrawn", record.guarantee->withdrawn},
        {"samples", record.guarantee->samples},
        {"split_hash", record.guarantee->split_hash},
        {"risk", record.guarantee->risk},
        {"unseen", to_string(record.guarantee->unseen)},
        {"sentence", found == Standing::kHolds ? guarantee_text(record) : "no guarantee: the promise " + why_not}};
  }
  fmt::print("{}\n", json.dump(2));
}

void run(const DescribeArguments& arguments) {
  if (arguments.form == OutputForm::kCsv) {
    fail(Code::kInvalidArgument, "[describe] a model is no table of rows; use --json, or neither");
  }
  const ModelFile file = load_model(arguments.model);
  const Manifest& manifest = file.manifest;
  const GraphCost cost = compute_cost(manifest.graph);
  if (arguments.form != OutputForm::kText) return run_json(file, cost);
  const std::string hash = model_hash(file);
  const Provenance& origin = manifest.provenance;
  const std::string asked = manifest.quantity
                                ? fmt::format("the {} in {}", manifest.quantity->name, manifest.quantity->unit)
                                : fmt::format("{} classes", manifest.graph.classes);
  fmt::print("{}: {} for {} ({}), model {}\n", arguments.model, manifest.graph.name, origin.data_set, asked, hash);
  fmt::print("trained by sooner {}: {}, {} epochs, seed {}, configuration {}, {}\n\n", origin.sooner_version,
             origin.regime, origin.epochs, origin.seed, origin.config_hash, origin.trained_at);
  fmt::print("{}\n", draw_network(manifest.graph, cost, manifest.policy, policy_context(manifest)));
  fmt::print("plain network {} MACs; {} parameters ({}); activations at peak {}; weights saved as {}\n",
             human_count(static_cast<double>(cost.backbone_macs)), human_count(static_cast<double>(cost.parameters)),
             human_bytes(4.0 * static_cast<double>(cost.parameters)),
             human_bytes(static_cast<double>(cost.peak_activation_bytes)), manifest.saved_precision);
  fmt::print("input {} {}, (pixel / 255 - {:.4f}) / {:.4f}\n", to_string(manifest.preprocessing.image_shape),
             manifest.preprocessing.channel_order, fmt::join(manifest.preprocessing.mean, " "),
             fmt::join(manifest.preprocessing.std, " "));
  fmt::print("default policy: {}\n", policy_text(manifest.policy, manifest.graph.classes));
  if (const auto& weights = manifest.cost_weights) {
    fmt::print("gates for cost weights from {:.6g} to {:.6g}, {:.6g} where --cost-weight names none\n", weights->low,
               weights->high, weights->standard);
  }
  if (manifest.quantisation) print_quantisation(*manifest.quantisation, hash);
  if (!manifest.calibrations.empty()) fmt::print("calibrations:\n");
  for (const CalibrationRecord& record : manifest.calibrations) {
    print_calibration(record, file, hash, cost);
  }
  if (arguments.nodes) print_nodes(manifest.graph, cost);
}

}  // namespace

void add_describe(CLI::App& app) {
  const auto arguments = std::make_shared<DescribeArguments>();
  app.add_option("model", arguments->model, "a .safetensors model")->required();
  app.add_flag("--nodes", arguments->nodes, "list every node");
  add_output_options(app, &arguments->form);
  app.callback([arguments] { run(*arguments); });
}

}  // namespace sooner
