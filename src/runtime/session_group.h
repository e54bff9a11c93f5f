// Answers with several threads: one session each, the input handed out in blocks to whoever is free. Answers are those
// of a single session, bit for bit.
//
// The other way to use several threads, SessionOptions::threads, lets them share the rows of every stage: the one
// choice where few samples come at a time. For large inputs a session each is faster: nobody waits for anybody between
// stages.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/crew.h"
#include "runtime/session.h"

namespace sooner {

class SessionGroup {
 public:
  // threads >= 1. Throws what Session throws.
  SessionGroup(const std::shared_ptr<const Model>& model, const std::shared_ptr<const ExitPolicy>& policy,
               int32_t threads, const SessionOptions& options = {});

  // As Session::run.
  std::span<const Result> run(std::span<const float> input, int64_t n);
  [[nodiscard]] std::span<const float> logits() const { return logits_; }
  [[nodiscard]] int32_t threads() const { return crew_.members(); }

 private:
  std::shared_ptr<const Model> model_;
  std::vector<std::unique_ptr<Session>> sessions_;  // by member of the crew
  Crew crew_;
  std::vector<Result> results_;
  std::vector<float> logits_;  // [n, classes]
};

}  // namespace sooner
