// How much better does one network answer the same samples than another, and how sure is that? Both answer from tables
// of logits (`sooner eval --save-table`) by policies that were fixed before; samples are compared one by one, so that
// what is hard for both cancels out. The error is of the samples alone: another training of either network is not in
// it.
//
//   paired_difference MODEL TABLE OTHER_MODEL OTHER_TABLE [--policy never] [--other-policy max-prob] [--json]
#include <fmt/format.h>

#include <cmath>

#include "bench/program.h"
#include "graph/cost.h"
#include "measure/evaluate.h"
#include "tools/command.h"
#include "tools/network_drawing.h"
#include "tools/policy_flags.h"
#include "tools/table.h"

namespace sooner {
namespace {

struct Side {
  std::string model;
  std::string table;
  std::string policy;  // empty: the model's
};

struct Answers {
  std::string policy;
  std::vector<double> quality = {};  // [N]
  double mean = 0;
  double macs = 0;  // mean
  std::string split;
  std::string split_hash;
};

Answers answers_of(const Side& side) {
  const ModelFile file = load_model(side.model);
  const StoredTable stored = load_table(side.table, file);
  const LogitTable& table = stored.table;
  PolicyFlags flags;
  flags.name = side.policy;
  const PolicySpec spec = policy_spec(file.manifest, flags, precision_from_string(stored.origin.precision));
  const Replay result = replay(table, *make_policy(spec, policy_context(table)));
  Answers answers{.policy = policy_text(spec, table.classes),
                  .macs = result.cost * static_cast<double>(compute_cost(file.manifest.graph).backbone_macs),
                  .split = stored.origin.split,
                  .split_hash = stored.origin.split_hash};
  for (int64_t n = 0; n < table.samples; ++n) {
    const auto i = static_cast<size_t>(n);
    answers.quality.push_back(static_cast<double>(table.quality(n, result.exit_index[i], result.label[i])));
    answers.mean += answers.quality.back() / static_cast<double>(table.samples);
  }
  return answers;
}

void run(const Side& one, const Side& other, OutputForm form) {
  const Answers a = answers_of(one);
  const Answers b = answers_of(other);
  if (a.split_hash != b.split_hash || a.quality.size() != b.quality.size()) {
    fail(Code::kInvalidArgument, "[paired_difference] got tables of {} ({}) and {} ({}), expected the same samples",
         a.split, a.split_hash, b.split, b.split_hash);
  }
  const auto n = static_cast<double>(a.quality.size());
  double square = 0;
  int64_t better = 0;
  int64_t worse = 0;
  for (size_t i = 0; i < a.quality.size(); ++i) {
    const double apart = a.quality[i] - b.quality[i];
    square += (apart - (a.mean - b.mean)) * (apart - (a.mean - b.mean));
    better += apart > 0 ? 1 : 0;
    worse += apart < 0 ? 1 : 0;
  }
  Table table(
      {"network", "policy", "samples", "accuracy", "M MACs", "difference", "standard error", "better on", "worse on"});
  table.add({cell(one.model), cell(a.policy), count(static_cast<int64_t>(n)), percent(a.mean), number(a.macs / 1e6, 2),
             percent(a.mean - b.mean), percent(std::sqrt(square / (n - 1) / n)), count(better), count(worse)});
  table.add({cell(other.model), cell(b.policy), count(static_cast<int64_t>(n)), percent(b.mean),
             number(b.macs / 1e6, 2), cell("-"), cell("-"), cell("-"), cell("-")});
  table.print(form);
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  CLI::App app("how much better one network answers the same samples than another", "paired_difference");
  sooner::Side one;
  sooner::Side other;
  sooner::OutputForm form = sooner::OutputForm::kText;
  app.add_option("model", one.model, "a .safetensors model")->required();
  app.add_option("table", one.table, "its logits of a split")->required();
  app.add_option("other-model", other.model, "the model it is compared with")->required();
  app.add_option("other-table", other.table, "that one's logits of the same samples")->required();
  app.add_option("--policy", one.policy, "of the first; default: the model's");
  app.add_option("--other-policy", other.policy, "of the second; default: the model's");
  sooner::add_output_options(app, &form);
  CLI11_PARSE(app, argc, argv);
  return sooner::run_program("paired_difference", [&] {
    sooner::run(one, other, form);
    return 0;
  });
}
