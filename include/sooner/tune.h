// Choosing thresholds from a table of every exit's logits, and storing what was chosen.
#pragma once

#include "policy/calibration_rule.h"
#include "tune/calibrate.h"
#include "tune/tables/logit_table.h"
#include "tune/tables/logit_table_file.h"
