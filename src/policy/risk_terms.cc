#include "policy/risk_terms.h"

#include <fmt/format.h>

#include <limits>
#include <vector>

#include "core/error.h"
#include "core/text.h"

namespace sooner {

std::string_view to_string(RiskLoss loss) { return loss == RiskLoss::kDiffers ? "differs" : "accuracy-gap"; }

RiskLoss risk_loss_from_string(std::string_view text) {
  for (const RiskLoss loss : {RiskLoss::kDiffers, RiskLoss::kAccuracyGap}) {
    if (text == to_string(loss)) return loss;
  }
  fail(Code::kInvalidArgument, "[risk] got unknown loss '{}'; {}", text, suggest(text, {"differs", "accuracy-gap"}));
}

std::string_view to_string(RiskBound bound) {
  switch (bound) {
    case RiskBound::kBinomial:
      return "binomial";
    case RiskBound::kHoeffdingBentkus:
      return "hoeffding-bentkus";
    case RiskBound::kBetting:
      return "betting";
  }
  return "unknown";
}

RiskBound risk_bound_from_string(std::string_view text) {
  for (const RiskBound bound : {RiskBound::kBinomial, RiskBound::kHoeffdingBentkus, RiskBound::kBetting}) {
    if (text == to_string(bound)) return bound;
  }
  fail(Code::kInvalidArgument, "[risk] got unknown bound '{}'; {}", text,
       suggest(text, {"binomial", "hoeffding-bentkus", "betting"}));
}

double delta_each(const RiskTerms& terms) { return *terms.delta / static_cast<double>(terms.promises); }

std::string to_string(const RiskTerms& terms) {
  const std::string_view loss = to_string(terms.loss);
  if (!terms.delta) return fmt::format("risk {} loss {}", terms.level, loss);
  const std::string shared = terms.promises == 1 ? "" : fmt::format(" promises {}", terms.promises);
  return fmt::format("risk {} delta {}{} loss {} bound {}", terms.level, *terms.delta, shared, loss,
                     to_string(terms.bound));
}

RiskTerms parse_risk_terms(std::string_view text) {
  RiskTerms terms;
  const std::vector<std::string> words = split(std::string(text), ' ');
  if (words.size() % 2 != 0 || words[0] != "risk") {
    fail(Code::kInvalidArgument, "[rule] got '{}', expected 'risk R [delta D] loss L [bound B]'", text);
  }
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::string &name = words[i], &value = words[i + 1];
    if (name == "risk") {
      terms.level = parse_number("rule risk", value);
    } else if (name == "delta") {
      terms.delta = parse_number("rule risk's delta", value);
    } else if (name == "promises") {
      terms.promises = parse_integer("rule risk's promises", value, 1, std::numeric_limits<int32_t>::max());
    } else if (name == "loss") {
      terms.loss = risk_loss_from_string(value);
    } else if (name == "bound") {
      terms.bound = risk_bound_from_string(value);
    } else {
      fail(Code::kInvalidArgument, "[rule] 'risk' got '{}'; {}", name,
           suggest(name, {"delta", "promises", "loss", "bound"}));
    }
  }
  return terms;
}

}  // namespace sooner
