#include "runtime/bare_stage.h"

#include "core/error.h"

namespace sooner {

BareStage::BareStage(const CompiledStage& stage, const std::vector<const std::byte*>& input, int64_t classes,
                     int32_t rows)
    : workers_(1),
      runner_(stage, {.classes = classes}, rows, workers_),
      in_(RowQueue::borrowing(stage.carry_in(), rows)),
      out_(stage.carry_out(), rows) {
  read_from(input);
}

void BareStage::read_from(const std::vector<const std::byte*>& input) {
  SOONER_ASSERT(input.size() == in_.tensors());
  for (size_t t = 0; t < input.size(); ++t) in_.borrow(t, input[t]);
}

void BareStage::run(int32_t rows) {
  in_.resize(rows);
  runner_.compute(in_, rows, rows, out_);
}

void BareStage::run(int32_t rows, std::span<double> step_seconds, const Clock& clock) {
  in_.resize(rows);
  Stopwatch watch(clock);
  runner_.compute(in_, rows, rows, out_,
                  [&](const CompiledStage&, size_t step, const StageBatch&, const StageContext&) {
                    step_seconds[step] += watch.lap();
                  });
}

std::vector<const std::byte*> BareStage::output() const {
  std::vector<const std::byte*> rows;
  for (size_t t = 0; t < out_.tensors(); ++t) rows.push_back(out_.source(t, 0));
  return rows;
}

}  // namespace sooner
