// What a training is told, and what it leaves behind: the configuration, a run's folder, its records.
#pragma once

#include "recipe/recorded_data.h"
#include "recipe/train_config.h"
#include "run/environment.h"
#include "run/epoch_record.h"
#include "run/run_folder.h"
