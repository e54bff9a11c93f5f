// The whole library; docs/api.md says where to start. Each header below can also be included alone.
#pragma once

#include <sooner/error.h>
#include <sooner/exit_policy.h>
#include <sooner/graph.h>
#include <sooner/graph_builder.h>
#include <sooner/measure.h>
#include <sooner/metrics.h>
#include <sooner/model.h>
#include <sooner/model_file.h>
#include <sooner/picture.h>
#include <sooner/profile.h>
#include <sooner/quantize.h>
#include <sooner/run.h>
#include <sooner/session.h>
#include <sooner/session_group.h>
#include <sooner/tensor.h>
#include <sooner/tune.h>
#include <sooner/version.h>
#include <sooner/zoo.h>
