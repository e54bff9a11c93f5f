#include "runtime/bare_stage.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"

namespace sooner {

BareStage::BareStage(const CompiledStage& stage, std::vector<const std::byte*> input, int64_t classes, int32_t rows)
    : stage_(stage),
      classes_(classes),
      input_(std::move(input)),
      scratch_(stage.scratch_bytes()),
      context_(stage.make_context()),
      src_(stage.carry_in().size()),
      dst_(stage.carry_out().size()),
      logits_(static_cast<size_t>(rows) * static_cast<size_t>(classes)),
      gate_logits_(static_cast<size_t>(rows)),
      samples_(static_cast<size_t>(rows)) {
  SOONER_ASSERT(input_.size() == src_.size());
  context_->scratch = scratch_.bytes();
  for (const CarryTensor& tensor : stage.carry_out())
    output_.emplace_back(tensor.row_bytes * static_cast<size_t>(rows));
}

template <typename AfterStep>
void BareStage::run_all(int32_t rows, const AfterStep& after_step) {
  StageBatch batch;
  batch.src = src_;
  batch.dst = dst_;
  const int32_t at_once = std::max(1, stage_.rows_at_once());
  for (int32_t first = 0; first < rows; first += at_once) {
    const auto offset = static_cast<size_t>(first);
    batch.n = std::min(at_once, rows - first);
    batch.samples = std::span(samples_).subspan(offset, static_cast<size_t>(batch.n));
    for (size_t t = 0; t < src_.size(); ++t) src_[t] = input_[t] + offset * stage_.carry_in()[t].row_bytes;
    for (size_t t = 0; t < dst_.size(); ++t) dst_[t] = output_[t].data() + offset * stage_.carry_out()[t].row_bytes;
    batch.logits = logits_.data() + offset * static_cast<size_t>(classes_);
    batch.gate_logits = gate_logits_.data() + offset;
    for (size_t i = 0; i < stage_.steps().size(); ++i) {
      stage_.run_step(i, batch, *context_);
      after_step(i);
    }
  }
}

void BareStage::run(int32_t rows) {
  run_all(rows, [](size_t) {});
}

void BareStage::run(int32_t rows, std::span<double> step_seconds) {
  auto begin = std::chrono::steady_clock::now();
  run_all(rows, [&](size_t step) {
    const auto now = std::chrono::steady_clock::now();
    step_seconds[step] += std::chrono::duration<double>(now - begin).count();
    begin = now;
  });
}

std::vector<const std::byte*> BareStage::output() const {
  std::vector<const std::byte*> rows;
  for (const AlignedBuffer& tensor : output_) rows.push_back(tensor.data());
  return rows;
}

}  // namespace sooner
