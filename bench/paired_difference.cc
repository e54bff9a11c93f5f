// How much better does one network answer the same samples than another, and how sure is that? Both answer from tables
// of logits (`sooner eval --save-table`) by the policies that their files hold, which `sooner tune` chose on other
// samples; samples are compared one by one, so that what is hard for both cancels out. The error is of the samples
// alone: another training of either network is not in it.
//
//   paired_difference MODEL TABLE OTHER_MODEL OTHER_TABLE [--last-exit] [--other-last-exit]
//
// --last-exit: everybody is answered there, whatever the file holds.
#include <CLI/CLI.hpp>
#include <cmath>

#include "bench/program.h"
#include "format/model_file.h"
#include "graph/cost.h"
#include "measure/record_table.h"

namespace sooner {
namespace {

struct Side {
  std::string model;
  std::string table;
  bool last_exit = false;
};

struct Answers {
  std::vector<double> quality = {};  // [N]
  double mean = 0;
  double macs = 0;  // mean
  std::string split_hash;
};

Answers answers_of(const Side& side) {
  const ModelFile file = load_model(side.model);
  const StoredTable stored = load_table(side.table, file);
  const LogitTable& table = stored.table;
  const PolicySpec policy = side.last_exit
                                ? PolicySpec{}
                                : policy_at(file.manifest.policy, file.manifest.calibrations, stored.origin.precision);
  const Replay result = replay(table, *make_policy(policy, policy_context(table)));
  Answers answers{.mean = result.quality,
                  .macs = result.cost * static_cast<double>(compute_cost(file.manifest.graph).backbone_macs),
                  .split_hash = stored.origin.split_hash};
  for (int64_t n = 0; n < table.samples; ++n) {
    const auto i = static_cast<size_t>(n);
    answers.quality.push_back(static_cast<double>(table.quality(n, result.exit_index[i], result.label[i])));
  }
  return answers;
}

void run(const Side& one, const Side& other) {
  const Answers a = answers_of(one);
  const Answers b = answers_of(other);
  if (a.split_hash != b.split_hash || a.quality.size() != b.quality.size() || a.quality.size() < 2) {
    fail(Code::kInvalidArgument,
         "[paired_difference] got tables of {} samples ({}) and {} ({}), expected the same ones, at least 2",
         a.quality.size(), a.split_hash, b.quality.size(), b.split_hash);
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
  const auto say_side = [](const Side& side, const Answers& answers) {
    fmt::print("{}: {:.2f} % at {:.2f} M MACs\n", side.model, 100 * answers.mean, answers.macs / 1e6);
  };
  say_side(one, a);
  say_side(other, b);
  fmt::print("difference {:+.2f} points, standard error {:.2f}; better on {}, worse on {} of {} samples ({})\n",
             100 * (a.mean - b.mean), 100 * std::sqrt(square / (n - 1) / n), better, worse, a.quality.size(),
             a.split_hash);
}

}  // namespace
}  // namespace sooner

int main(int argc, char** argv) {
  CLI::App app("how much better one network answers the same samples than another", "paired_difference");
  sooner::Side one;
  sooner::Side other;
  app.add_option("model", one.model, "a .safetensors model")->required();
  app.add_option("table", one.table, "its logits of a split")->required();
  app.add_option("other-model", other.model, "the model it is compared with")->required();
  app.add_option("other-table", other.table, "that one's logits of the same samples")->required();
  app.add_flag("--last-exit", one.last_exit, "the first model: everybody is answered at its last exit");
  app.add_flag("--other-last-exit", other.last_exit, "likewise the second");
  CLI11_PARSE(app, argc, argv);
  return sooner::run_program("paired_difference", [&] {
    sooner::run(one, other);
    return 0;
  });
}
