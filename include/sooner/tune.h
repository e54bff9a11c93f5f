// Choosing thresholds from a table of every exit's logits, and storing what was chosen.
#pragma once

#include "tune/calibrate.h"
#include "tune/calibration_rule.h"
#include "tune/stored_record.h"
#include "tune/tables/logit_table.h"
#include "tune/tables/logit_table_file.h"
