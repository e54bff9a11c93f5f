// Model files: reading and writing them, and from pixels to the numbers that the network in one takes.
#pragma once

#include "format/model_file.h"
#include "format/model_update.h"
#include "format/preprocess.h"
