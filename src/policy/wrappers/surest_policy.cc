#include "policy/wrappers/surest_policy.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "policy/scores.h"

namespace sooner {
namespace {

// The surest answer so far; all bytes zero before the first.
struct Surest {
  float score = 0;
  float probability = 0;
  int32_t answer = 0;  // 1 + its class; 0: none yet
  int32_t unused = 0;
};
static_assert(sizeof(Surest) % 8 == 0);

class SurestPolicy final : public ExitPolicy {
 public:
  SurestPolicy(std::unique_ptr<const ExitPolicy> inner, std::vector<double> temperatures, bool own_score)
      : inner_(std::move(inner)), temperatures_(std::move(temperatures)), own_score_(own_score) {}

  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] size_t state_bytes() const override { return inner_->state_bytes() + sizeof(Surest); }
  [[nodiscard]] bool needs_times() const override { return inner_->needs_times(); }
  [[nodiscard]] double deadline_seconds() const override { return inner_->deadline_seconds(); }
  // Any exit may turn out to be the surest.
  [[nodiscard]] bool needs_exit(int32_t /*exit_index*/) const override { return true; }

  ExitVerdict decide(const ExitObservation& observation, std::span<std::byte> state) const override {
    ExitVerdict verdict = inner_->decide(observation, state.first(inner_->state_bytes()));
    if (verdict.left == Left::kByPolicy) return verdict;
    const std::span<std::byte> kept = state.last(sizeof(Surest));
    Surest surest;
    std::memcpy(&surest, kept.data(), sizeof(Surest));
    const Surest here = answer_of(verdict, observation);
    if (surest.answer == 0 || here.score >= surest.score || std::isnan(surest.score)) surest = here;
    if (!verdict.leaves()) {
      std::memcpy(kept.data(), &surest, sizeof(Surest));
      return verdict;
    }
    verdict.score = surest.score;
    verdict.label = surest.answer - 1;
    verdict.probability = surest.probability;
    return verdict;
  }

 private:
  [[nodiscard]] Surest answer_of(const ExitVerdict& verdict, const ExitObservation& observation) const {
    const std::span<const float> logits = observation.logits;
    const int32_t label = answered_label(verdict, logits);
    const double temperature = temperatures_[static_cast<size_t>(observation.exit_index)];
    return {.score = own_score_ ? verdict.score : static_cast<float>(max_prob_log_odds(logits)),
            .probability =
                std::isnan(verdict.probability) ? softmax_probability(logits, label, temperature) : verdict.probability,
            .answer = label + 1};
  }

  std::unique_ptr<const ExitPolicy> inner_;
  std::vector<double> temperatures_;
  bool own_score_;
};

}  // namespace

std::unique_ptr<const ExitPolicy> surest_policy(std::unique_ptr<const ExitPolicy> inner,
                                                std::vector<double> temperatures, bool own_score) {
  return std::make_unique<SurestPolicy>(std::move(inner), std::move(temperatures), own_score);
}

}  // namespace sooner
