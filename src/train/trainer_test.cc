#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/file.h"
#include "data/batch_loader.h"
#include "data/open_data_set.h"
#include "format/model_file.h"
#include "format/new_model.h"
#include "format/safetensors.h"
#include "recipe/regime_kind.h"
#include "run/checkpoint.h"
#include "run/environment.h"
#include "support/error_of.h"
#include "support/temp_folder.h"
#include "train/evaluate.h"
#include "train/feature_cache.h"
#include "train/regime.h"
#include "train/trainer_test_support.h"
#include "zoo/initial_weights.h"
#include "zoo/zoo.h"

namespace sooner {
namespace {

using testing::HasSubstr;

TEST(Trainer, LeavesARunFolderWithAModelThatLoads) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create_numbered(root.path(), "small");
  StopAfter listener(-1);
  const TrainResult result = run(small_config(), folder, listener);
  EXPECT_FALSE(result.interrupted);
  EXPECT_EQ(result.steps, 21);
  const ModelFile model = load_model(folder.model());
  EXPECT_EQ(model.manifest.policy.name, "gate");
  EXPECT_EQ(scores_of(model.manifest.policy.thresholds), (std::vector<double>{0.5}));
  EXPECT_EQ(model.manifest.check_samples, 16);
  EXPECT_EQ(model.manifest.provenance.regime, "differentiable");
  EXPECT_EQ(model.manifest.provenance.config_hash, config_hash(small_config()));
  EXPECT_EQ(to_toml(parse_config(model.manifest.provenance.config_toml, "model")), to_toml(small_config()));
  const std::vector<nlohmann::json> metrics = metrics_of(folder);
  ASSERT_EQ(metrics.size(), 3U);
  EXPECT_EQ(metrics[0]["phase"], "joint");
  EXPECT_GT(metrics[0]["gradient_norms"]["conv1.weight"], 0);
  EXPECT_TRUE(metrics[0]["validation"]["cost"].is_null());
  EXPECT_EQ(metrics[2]["phase"], "differentiable");
  EXPECT_EQ(metrics[2]["validation"]["exits"].size(), 2U);
  EXPECT_TRUE(metrics[2]["train"]["mixture"].is_number());
  const auto logits = parse_safetensors(read_file(folder.logits("validation")), "logits");
  EXPECT_EQ(logits.tensors.at("logits").shape(), (Shape{21, 2, 10}));
  EXPECT_EQ(logits.tensors.at("labels").shape(), (Shape{21}));
  const nlohmann::json environment = nlohmann::json::parse(read_text(folder.environment()));
  EXPECT_TRUE(environment["finished"].get<bool>());
  EXPECT_TRUE(environment["waiting_share"].is_number());
  EXPECT_EQ(read_text(folder.log()), listener.lines);
}

TEST(Trainer, LearnsSomething) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create_numbered(root.path(), "small");
  StopAfter listener(-1);
  run(small_config({"train.epochs=12", "train.regime=joint"}), folder, listener);
  const std::vector<nlohmann::json> metrics = metrics_of(folder);
  EXPECT_LT(metrics.back()["train"]["exits"][1]["loss"].get<double>(),
            0.8 * metrics.front()["train"]["exits"][1]["loss"].get<double>());
  EXPECT_EQ(load_model(folder.model()).manifest.policy.name, "never");
}

// Interrupted after a step within an epoch, at an epoch's end and in the joint phase; each goes on to the same bits.
TEST(Trainer, ResumedRunEndsInTheSameBits) {
  const TempFolder root;
  // Augmentation, so that its random numbers are part of what must be the same; the controller changes cost_weight.
  const TrainConfig config =
      small_config({"augment.flip=true", "augment.pad_crop=2", "differentiable.target_cost=0.5"});
  const RunFolder straight = RunFolder::create(root / "straight");
  StopAfter never(-1);
  run(config, straight, never);
  for (const int64_t step : {1, 7, 11, 20}) {
    const RunFolder folder = RunFolder::create(root / std::to_string(step));
    StopAfter listener(step);
    const TrainResult first = run(config, folder, listener);
    ASSERT_TRUE(first.interrupted) << step;
    ASSERT_EQ(first.steps, step);
    EXPECT_THAT(listener.lines, HasSubstr("--resume " + folder.path().string()));
    EXPECT_FALSE(std::filesystem::exists(folder.model()));
    StopAfter again(-1);
    EXPECT_FALSE(run(config, folder, again, true).interrupted);
    expect_same_weights(straight, folder);
    EXPECT_EQ(timeless(metrics_of(folder)), timeless(metrics_of(straight))) << step;
  }
}

// Everything a recipe can add has a state: an average, frozen filters, flips by epoch, mixed pictures.
TEST(Trainer, ResumedRunOfAFullRecipeEndsInTheSameBits) {
  const TempFolder root;
  const TrainConfig config =
      small_config({"train.preset=quick", "network.backbone=swift:w4:d2", "network.exits=names:layer1.1",
                    "network.head=gap-fc", "augment.cutout=6", "augment.cutmix=1", "augment.mixup=0.3",
                    "train.regime=distillation", "train.epochs=3", "train.batch_size=20"});
  EXPECT_GT(config.train.average_decay, 0);
  EXPECT_TRUE(config.train.whiten);
  const RunFolder straight = RunFolder::create(root / "straight");
  StopAfter never(-1);
  run(config, straight, never);
  for (const int64_t step : {5, 7, 16}) {
    const RunFolder folder = RunFolder::create(root / std::to_string(step));
    StopAfter listener(step), again(-1);
    ASSERT_TRUE(run(config, folder, listener).interrupted) << step;
    run(config, folder, again, true);
    expect_same_weights(straight, folder);
    EXPECT_EQ(timeless(metrics_of(folder)), timeless(metrics_of(straight))) << step;
  }
}

TEST(Trainer, WhatIsKeptIsTheAverageWithStatisticsOfItsOwn) {
  const TempFolder root;
  const std::vector<std::string> plain{"network.backbone=swift:w4:d1", "train.regime=plain"};
  std::vector<std::string> averaged = plain;
  averaged.emplace_back("train.average_decay=0.9");
  const RunFolder a = RunFolder::create(root / "a"), b = RunFolder::create(root / "b");
  StopAfter never(-1);
  run(small_config(plain), a, never);
  run(small_config(averaged), b, never);
  const Checkpoint weights = load_checkpoint(a.checkpoint("last")), both = load_checkpoint(b.checkpoint("last"));
  const auto same = [](const TensorMap& left, const TensorMap& right, const std::string& name) {
    return std::ranges::equal(left.at(name).raw(), right.at(name).raw());
  };
  // The weights go the same way, and the average another.
  for (const auto& [name, tensor] : weights.model) EXPECT_TRUE(same(weights.model, both.model, name)) << name;
  EXPECT_TRUE(weights.average.empty());
  const TensorMap kept = load_checkpoint(b.checkpoint("best")).model;
  EXPECT_FALSE(same(kept, load_checkpoint(a.checkpoint("best")).model, "fc.weight"));
  EXPECT_FALSE(same(kept, load_checkpoint(a.checkpoint("best")).model, "layer1.0.bn.running_var"));
}

TEST(Trainer, ABoostedModelHoldsItsSumsAsLayers) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter never(-1);
  run(small_config({"train.regime=boosting"}), folder, never);
  const ModelFile model = load_model(folder.model());
  const Exit& last = model.manifest.graph.stages[1].exit;
  EXPECT_EQ(model.manifest.graph.node(last.features).inputs[1], model.manifest.graph.stages[0].exit.logits);
  // What validation gave while training is what the file's layers give.
  const auto table = parse_safetensors(read_file(folder.logits("validation")), "logits");
  const auto trained = table.tensors.at("logits").floats();
  const auto kept = model.tensors.at("sooner.check.logits").floats();
  for (size_t i = 0; i < 2 * 10; ++i) EXPECT_NEAR(kept[i], trained[i], 1e-4) << i;
}

TEST(Trainer, RefusesRecipesThatDoNotFitTogether) {
  const auto refused = [](const std::vector<std::string>& sets) {
    return std::string(error_of([&] { check_training(small_config(sets)); }).what());
  };
  EXPECT_THAT(refused({"train.whiten=true", "network.backbone=model:x.safetensors"}),
              HasSubstr("train.whiten and initialisation begin with weights of their own"));
  EXPECT_THAT(refused({"augment.alternate_flips=true"}), HasSubstr("flip is off"));
  EXPECT_THAT(refused({"augment.cutout=65"}), HasSubstr("cutout = 65"));
  EXPECT_THAT(refused({"augment.mixup=1", "data.name=glyph-angles", "train.regime=joint"}), HasSubstr("augment.mixup"));
  EXPECT_THAT(refused({"augment.cutmix=1", "train.feature_cache=on", "train.regime=classifier-wise"}),
              HasSubstr("feature_cache is on"));
}

// Killed with no chance to save: what counts is the last checkpoint, and lines written after it are written again.
TEST(Trainer, GoesOnFromAnOlderCheckpointAndIgnoresHalfWrittenFiles) {
  const TempFolder root;
  const TrainConfig config = small_config({"train.checkpoint_steps=3"});
  const RunFolder straight = RunFolder::create(root / "straight");
  StopAfter never(-1);
  run(config, straight, never);
  const RunFolder folder = RunFolder::create(root / "killed");
  StopAfter listener(11);
  run(config, folder, listener);
  const std::vector<std::byte> old = read_file(folder.checkpoint("last"));
  StopAfter later(19);
  run(config, folder, later, true);
  write_file_atomically(folder.checkpoint("last"),
                        [&](FileSink& sink) { sink.write(std::span<const std::byte>(old)); });
  const std::filesystem::path half = folder.checkpoint("last").string() + ".tmp-a1B2c3";
  write_file_atomically(half, "half a checkpo");
  StopAfter rest(-1);
  run(config, RunFolder::open(folder.path()), rest, true);
  EXPECT_FALSE(std::filesystem::exists(half));
  expect_same_weights(straight, folder);
  EXPECT_EQ(timeless(metrics_of(folder)), timeless(metrics_of(straight)));
}

TEST(Trainer, FinishedRunResumedStaysFinished) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(-1);
  run(small_config(), folder, listener);
  const std::string hash = model_hash(load_model(folder.model()));
  run(small_config(), folder, listener, true);
  EXPECT_EQ(model_hash(load_model(folder.model())), hash);
  EXPECT_EQ(metrics_of(folder).size(), 3U);
}

TEST(Trainer, RefusesToResumeAnotherConfigurationOrMode) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(3);
  run(small_config(), folder, listener);
  StopAfter again(-1);
  const Error other = error_of([&] { run(small_config({"train.seed=2"}), folder, again, true); });
  EXPECT_EQ(other.code(), Code::kFailedPrecondition);
  EXPECT_THAT(other.what(), HasSubstr("configuration's hash"));
}

TEST(Trainer, RefusesToResumeWhenTheWeightsItBeganFromAreOthers) {
  const TempFolder root;
  StopAfter never(-1), early(3), again(-1);
  const RunFolder plain = RunFolder::create(root / "plain"), folder = RunFolder::create(root / "run");
  run(small_config({"train.regime=plain", "train.epochs=1"}), plain, never);
  const TrainConfig config = small_config({"train.start=" + plain.model().string()});
  run(config, folder, early);
  EXPECT_EQ(read_environment(folder.environment()).identity.start_hash, model_hash(load_model(plain.model())));
  EXPECT_EQ(read_environment(plain.environment()).identity.start_hash, "");
  ModelFile other = load_model(plain.model());
  other.tensors.at("conv1.bias") = other.tensors.at("conv1.bias").clone();
  other.tensors.at("conv1.bias").floats()[0] += 1;
  save_model(other, plain.model());
  const Error error = error_of([&] { run(config, folder, again, true); });
  EXPECT_EQ(error.code(), Code::kFailedPrecondition);
  EXPECT_THAT(error.what(), HasSubstr("the hash of train.start's model"));
}

TEST(Trainer, StopsWhenTheLossIsNoNumberAndKeepsTheLastGoodCheckpoint) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(-1);
  // A constant rate this high blows up within a few steps.
  const TrainConfig config = small_config(
      {"train.learning_rate=40", "train.schedule=constant", "train.schedule_warmup=0.9", "train.checkpoint_steps=1"});
  const Error error = error_of([&] { run(config, folder, listener); });
  EXPECT_EQ(error.code(), Code::kFailedPrecondition);
  EXPECT_THAT(error.what(), HasSubstr("the loss is not finite at step"));
  EXPECT_THAT(error.what(),
              testing::ContainsRegex("exit [01]'s cross-entropy|holds values that are no numbers|mixture"));
  EXPECT_THAT(error.what(), HasSubstr("lower train.learning_rate"));
  EXPECT_THAT(error.what(), HasSubstr(folder.checkpoint("last").string()));
  for (const auto& [name, tensor] : load_checkpoint(folder.checkpoint("last")).model) {
    EXPECT_TRUE(std::ranges::all_of(tensor.floats(), [](float x) { return std::isfinite(x); })) << name;
  }
}

TEST(Trainer, TargetCostMovesTheCostWeight) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(-1);
  run(small_config({"differentiable.target_cost=0.5", "differentiable.cost_weight=0.01"}), folder, listener);
  EXPECT_NE(metrics_of(folder).back()["cost_weight"].get<double>(), 0.01);
}

TEST(Trainer, TargetCostMovesTheCostWeightWhereAnEpochIsOneStep) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(-1);
  run(small_config({"differentiable.target_cost=0.5", "differentiable.cost_weight=0.01", "train.batch_size=157",
                    "train.epochs=6"}),
      folder, listener);
  EXPECT_NE(metrics_of(folder).back()["cost_weight"].get<double>(), 0.01);
}

TEST(Trainer, RefusesToNormaliseASingleValue) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(-1);
  const Error error = error_of([&] {
    run(small_config({"train.batch_size=1", "network.head=branchy:conv4@6,bn,relu", "network.exits=names:relu3"}),
        folder, listener);
  });
  EXPECT_THAT(error.what(), HasSubstr("maps of one pixel over batches of one image"));
}

TEST(Trainer, SaysWhenThereAreTooFewImagesForABatch) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(-1);
  const Error error = error_of([&] { run(small_config({"train.batch_size=500"}), folder, listener); });
  EXPECT_EQ(error.code(), Code::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("157 training images are fewer than one batch"));
}

TEST(Trainer, RefusesAListOfJointWeightsOfAnotherLength) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(-1);
  const Error error = error_of([&] { run(small_config({"joint.weights=[1, 2, 3]"}), folder, listener); });
  EXPECT_THAT(error.what(), HasSubstr("joint.weights has 3 numbers, expected 1"));
}

// Every exit's training loss is lower in the last epoch that computes it than in the first, whatever the phases.
TEST(Trainer, EveryRegimeLearnsAndLeavesAModelOfItsNetwork) {
  const TempFolder root;
  for (const std::string& regime : regime_names()) {
    const RunFolder folder = RunFolder::create(root / regime);
    StopAfter listener(-1);
    const TrainConfig config = small_config({"train.epochs=8", "train.regime=" + regime});
    EXPECT_FALSE(run(config, folder, listener).interrupted);
    const size_t exits = regime_kind(regime).exits ? 2 : 1;
    EXPECT_EQ(load_model(folder.model()).manifest.graph.exits(), exits) << regime;
    EXPECT_EQ(load_model(folder.model()).manifest.provenance.regime, regime);
    for (size_t k = 0; k < exits; ++k) {
      std::vector<double> losses;
      for (const nlohmann::json& epoch : metrics_of(folder)) {
        const nlohmann::json& loss = epoch["train"]["exits"][k]["loss"];
        if (loss.is_number()) losses.push_back(loss.get<double>());
      }
      ASSERT_GE(losses.size(), 2U) << regime;
      EXPECT_LT(losses.back(), losses.front()) << regime << ", exit " << k;
    }
  }
}

// Interrupted in every phase and at the epoch's end between two.
TEST(Trainer, PhasedRegimesResumedEndInTheSameBits) {
  const TempFolder root;
  for (const std::string regime : {"layer-wise", "classifier-wise", "mixed", "distillation"}) {
    const TrainConfig config = small_config({"train.epochs=4", "augment.pad_crop=2", "train.regime=" + regime});
    const RunFolder straight = RunFolder::create(root / (regime + "-straight"));
    StopAfter never(-1);
    run(config, straight, never);
    for (const int64_t step : {5, 14, 23}) {
      const RunFolder folder = RunFolder::create(root / (regime + std::to_string(step)));
      StopAfter listener(step);
      ASSERT_TRUE(run(config, folder, listener).interrupted);
      StopAfter again(-1);
      run(config, folder, again, true);
      expect_same_weights(straight, folder);
      EXPECT_EQ(timeless(metrics_of(folder)), timeless(metrics_of(straight))) << regime << " " << step;
    }
  }
}

// Heads alone on a network that was trained before: its trunk and last exit keep every bit, features are read back, and
// an interrupted run ends in the same bits.
TEST(Trainer, ClassifierWiseBeginsFromATrainedNetwork) {
  const TempFolder root;
  StopAfter never(-1);
  const RunFolder plain = RunFolder::create(root / "plain");
  run(small_config({"train.regime=plain"}), plain, never);
  const TrainConfig config =
      small_config({"train.regime=classifier-wise", "train.start=" + plain.model().string(), "train.epochs=4"});
  const RunFolder folder = RunFolder::create(root / "heads");
  StopAfter listener(-1);
  run(config, folder, listener);
  EXPECT_THAT(listener.lines, HasSubstr("plain): trunk and exit 1"));
  EXPECT_THAT(listener.lines, testing::Not(HasSubstr("warning: it was trained")));
  EXPECT_THAT(listener.lines, HasSubstr("features of 157 images (not augmented) are kept"));
  EXPECT_THAT(listener.lines, HasSubstr("steps/s with features read back"));
  EXPECT_THAT(listener.lines, HasSubstr("heads: a step takes up to"));
  EXPECT_FALSE(std::filesystem::exists(folder.features()));
  StopAfter other(-1);
  run(small_config({"train.regime=classifier-wise", "train.start=" + plain.model().string(), "split.seed=2"}),
      RunFolder::create(root / "other"), other);
  EXPECT_THAT(other.lines, HasSubstr("warning: it was trained on other splits of this data"));
  const ModelFile before = load_model(plain.model()), after = load_model(folder.model());
  for (const auto& [name, tensor] : before.tensors) {
    if (name.starts_with("sooner.check.")) continue;
    EXPECT_TRUE(std::ranges::equal(tensor.raw(), after.tensors.at(name).raw())) << name;
  }
  for (const int64_t step : {3, 14}) {
    const RunFolder parts = RunFolder::create(root / std::to_string(step));
    StopAfter first(step), second(-1);
    ASSERT_TRUE(run(config, parts, first).interrupted);
    run(config, parts, second, true);
    expect_same_weights(folder, parts);
  }
}

// Exits that were attached to a network from elsewhere: it keeps every bit and sees images as it did.
TEST(Trainer, TrainsTheHeadsThatWereAttachedToANetwork) {
  const TempFolder root;
  const Graph plain_graph = backbone_from_string("resnet8:w4", {1, 32, 32}, 10);
  const ModelFile plain = imported_model(plain_graph, initial_weights(plain_graph, 5), {.mean = {0.25}, .std = {0.5}});
  const Graph graph = attach_described(plain_graph, {"", "linear:2", "gap-fc", "none"});
  const ModelFile attached = attached_model(plain, graph, initial_weights(graph, 1));
  const std::string path = (root / "attached.safetensors").string();
  save_model(attached, path);
  const std::vector<std::string> words{"train.regime=classifier-wise", "network.backbone=model:" + path,
                                       "network.exits=kept", "network.head=conv-gap-fc", "train.epochs=1"};
  const RunFolder folder = RunFolder::create(root / "run");
  StopAfter listener(-1);
  run(small_config(words), folder, listener);
  EXPECT_THAT(listener.lines, HasSubstr("(resnet8:w4, attached): trunk and exit 2"));
  const ModelFile after = load_model(folder.model());
  EXPECT_EQ(after.manifest.preprocessing.mean, std::vector<double>{0.25});
  EXPECT_EQ(after.manifest.preprocessing.std, std::vector<double>{0.5});
  EXPECT_EQ(after.manifest.provenance.regime, "classifier-wise");
  for (const auto& [name, tensor] : plain.tensors) {
    EXPECT_TRUE(std::ranges::equal(tensor.raw(), after.tensors.at(name).raw())) << name;
  }
  // Other places than the file's, on the same backbone.
  std::vector<std::string> moved = words;
  moved[2] = "network.exits=fractions:.5";
  const RunFolder elsewhere = RunFolder::create(root / "elsewhere");
  run(small_config(moved), elsewhere, listener);
  EXPECT_EQ(load_model(elsewhere.model()).manifest.graph.exits(), 2U);
  const auto said = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    StopAfter silent(-1);
    return std::string(
        error_of([&] { run(small_config(more), RunFolder::create(root / more.back()), silent); }).what());
  };
  EXPECT_THAT(said({"data.name=mnist"}), HasSubstr("mnist"));
  EXPECT_THAT(std::string(error_of([&] { small_config({"network.exits=kept"}); }).what()),
              HasSubstr("network.exits is kept, but backbone 'b-lenet' has none of its own"));
  save_model(plain, path);
  EXPECT_THAT(said({"name=plain"}), HasSubstr("has no early exits to keep"));
}

// Two draws of augmentation take turns: four epochs from two passes through the frozen stages.
TEST(Trainer, FeaturesOfAugmentedImagesAreKeptWhenAsked) {
  const TempFolder root;
  const std::vector<std::string> words{"train.regime=classifier-wise", "train.epochs=8", "augment.pad_crop=2",
                                       "classifier_wise.backbone=0.5", "train.feature_draws=2"};
  const auto lines_with = [&](const std::string& cache) {
    std::vector<std::string> more = words;
    more.push_back("train.feature_cache=" + cache);
    const RunFolder folder = RunFolder::create(root / cache);
    StopAfter listener(-1);
    run(small_config(more), folder, listener);
    return listener.lines;
  };
  EXPECT_THAT(lines_with("on"), HasSubstr("of 157 images (2 draws of augmentation) are kept"));
  EXPECT_THAT(lines_with("auto"), HasSubstr("computed at every step, since images are augmented"));
  EXPECT_THAT(lines_with("off"), HasSubstr("heads: the frozen stages are computed at every step\n"));
}

TEST(FeatureCache, KeepsWhatTheFrozenStagesGiveForEachDraw) {
  const TempFolder root;
  const TrainConfig config = small_config({"train.precision=fp32", "augment.pad_crop=2"});
  const DataSet data = open_data_set(config.data);
  GraphModule module(build_network({"b-lenet", "names:conv1", "branchy", "none"}, data.image_shape, data.classes()), 3);
  module.learn({.trunks = {false, false}, .heads = {true, false}});
  const ComputeMode mode = choose_compute_mode(config.train, module.graph());
  module.place(mode.device, mode.channels_last);
  const std::vector<int64_t> indices{2, 3, 5, 7, 11};
  LoaderOptions loader{.batch_size = 3, .seed = 4, .augment = config.augment, .mean = data.mean, .std = data.std};
  FeatureCache cache(root / "features", module, mode, {data, indices, loader, /*first_epoch=*/6, /*draws=*/2});
  for (int64_t draw = 0; draw < 2; ++draw) {
    BatchLoader fresh(data.train, data.image_shape, indices, loader);
    fresh.start_epoch(6 + draw);
    while (const Batch* batch = fresh.next()) {
      const std::vector<at::Tensor> want =
          module.frontier_values(place_images(batch->images, batch->n, data.image_shape, mode));
      const std::vector<at::Tensor> got = cache.rows(draw, batch->indices);
      ASSERT_EQ(got.size(), want.size());
      for (size_t i = 0; i < want.size(); ++i) {
        EXPECT_TRUE(at::equal(got[i], want[i].to(at::kBFloat16).to(at::kFloat))) << "draw " << draw;
      }
    }
  }
  EXPECT_FALSE(at::equal(cache.rows(0, indices)[0], cache.rows(1, indices)[0])) << "draws are alike";
}

TEST(Trainer, StartsOnlyFromItsOwnBackbone) {
  const TempFolder root;
  StopAfter listener(-1);
  const RunFolder plain = RunFolder::create(root / "plain");
  run(small_config({"train.regime=plain", "train.epochs=1"}), plain, listener);
  const RunFolder folder = RunFolder::create(root / "run");
  const Error other = error_of([&] {
    run(small_config({"train.regime=mixed", "network.backbone=resnet8:w4", "network.exits=fractions:.4",
                      "network.head=gap-fc", "train.start=" + plain.model().string()}),
        folder, listener);
  });
  EXPECT_EQ(other.code(), Code::kDataLoss);
  EXPECT_THAT(other.what(), HasSubstr("its network is b-lenet"));
  const Error missing =
      error_of([&] { run(small_config({"train.start=" + (root / "none").string()}), folder, listener); });
  EXPECT_EQ(missing.code(), Code::kNotFound);
}

TEST(Trainer, GatesKeepHowTheyDependOnTheCostWeight) {
  const TempFolder root;
  StopAfter listener(-1);
  const RunFolder first = RunFolder::create(root / "first");
  run(small_config({"train.epochs=3", "differentiable.cost_weight_high=1"}), first, listener);
  const auto shifts = load_model(first.model()).manifest.cost_weights->shifts;
  EXPECT_GT(std::abs(shifts[0][0]), 1e-4);
  const auto go_on = [&](const char* name, const std::string& high) {
    const RunFolder folder = RunFolder::create(root / name);
    run(small_config({"train.epochs=1", "train.learning_rate=1e-12", "differentiable.warmup=0",
                      "differentiable.cost_weight_high=" + high, "train.start=" + first.model().string()}),
        folder, listener);
    return load_model(folder.model()).manifest.cost_weights->shifts;
  };
  EXPECT_NEAR(go_on("same", "1")[0][0], shifts[0][0], 1e-6);
  EXPECT_NEAR(go_on("other", "2")[0][0], 0, 1e-6) << "of another range";
}

TEST(Trainer, EveryVariantOfDifferentiableResumesToTheSameBits) {
  const TempFolder root;
  for (const std::string variant : {"assign", "gumbel", "a range of cost weights"}) {
    const bool ranged = variant.find(' ') != std::string::npos;
    const TrainConfig config = small_config(
        {"train.epochs=4", ranged ? "differentiable.cost_weight_high=1" : "differentiable.variant=" + variant});
    const RunFolder straight = RunFolder::create(root / (variant + "-straight"));
    const RunFolder folder = RunFolder::create(root / variant);
    StopAfter never(-1), at(17), again(-1);
    run(config, straight, never);
    ASSERT_TRUE(run(config, folder, at).interrupted);
    run(config, folder, again, true);
    expect_same_weights(straight, folder);
    const std::vector<nlohmann::json> metrics = metrics_of(straight);
    EXPECT_LT(metrics.back()["train"]["exits"][1]["loss"].get<double>(),
              metrics.front()["train"]["exits"][1]["loss"].get<double>());
  }
}

TEST(Trainer, DeepSupervisionLeavesThePlainNetwork) {
  const TempFolder root;
  const RunFolder deep = RunFolder::create(root / "deep"), plain = RunFolder::create(root / "plain");
  StopAfter listener(-1);
  run(small_config({"train.regime=joint", "joint.keep_heads=false"}), deep, listener);
  run(small_config({"train.regime=plain"}), plain, listener);
  const ModelFile a = load_model(deep.model()), b = load_model(plain.model());
  EXPECT_EQ(a.manifest.graph.exits(), 1U);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : b.tensors) {
    ASSERT_TRUE(a.tensors.contains(name)) << name;
    EXPECT_EQ(a.tensors.at(name).shape(), tensor.shape()) << name;
  }
}

}  // namespace
}  // namespace sooner
