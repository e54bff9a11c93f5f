// Every exit's answers of some samples, nobody leaving: what logit tables, comparisons of backends and measurements of
// maps are made from. A driver of stage runners that asks no policy by itself.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/row_queue.h"
#include "runtime/stage_runner.h"

namespace sooner {

// One stage with the queue behind it, where those wait who go on to the next; without tensors behind the last.
struct StageLane {
  std::unique_ptr<StageRunner> runner = nullptr;
  RowQueue out = {};
};

// Takes all rows of `images` through every stage, heads included. visit(k, runner, in, out) is called after stage k,
// whose runner holds the logits of row 0, 1, … in the order of `images`; the rows still stand in `in`, and go to `out`
// next. All queues are empty afterwards.
// REQUIRES: runners for so many rows; room for them in the queues, which are empty. One thread where there is an
// observer.
template <typename Visit>
void run_every_exit(std::span<StageLane> lanes, RowQueue& images, const Visit& visit,
                    const StepObserver& observer = {}) {
  const int32_t rows = images.size();
  for (size_t k = 0; k < lanes.size(); ++k) {
    RowQueue& in = k == 0 ? images : lanes[k - 1].out;
    lanes[k].runner->compute(in, rows, rows, lanes[k].out, observer);
    visit(k, *lanes[k].runner, in, lanes[k].out);
    if (k + 1 < lanes.size()) {
      StageRunner::pass_on(in, rows, lanes[k].out);
    } else {
      in.clear();
    }
  }
}

}  // namespace sooner
