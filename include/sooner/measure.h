// What a model does with its own data: its data set, split as it was, every exit's logits as a table, answers with real
// exits and counted arithmetic, times against other models'.
#pragma once

#include "measure/benchmark.h"
#include "measure/class_outcomes.h"
#include "measure/curve.h"
#include "measure/evaluate.h"
#include "measure/model_data.h"
#include "measure/record_table.h"
