#include "run/run_folder.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "support/error_of.h"
#include "support/temp_folder.h"

namespace sooner {
namespace {

TEST(RunFolder, TakesTheNextFreeNumber) {
  const TempFolder root;
  EXPECT_EQ(RunFolder::create_numbered(root.path(), "a").path().filename(), "a-1");
  EXPECT_EQ(RunFolder::create_numbered(root.path(), "a").path().filename(), "a-2");
  EXPECT_EQ(RunFolder::create_numbered(root.path(), "b").path().filename(), "b-1");
  std::filesystem::remove_all(root / "a-1");
  EXPECT_EQ(RunFolder::create_numbered(root.path(), "a").path().filename(), "a-1");
}

TEST(RunFolder, RefusesToOverwriteARun) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "here");
  write_file_atomically(folder.config(), "");
  const Error error = error_of([&] { RunFolder::create(root / "here"); });
  EXPECT_EQ(error.code(), Code::kFailedPrecondition);
  EXPECT_NE(std::string(error.what()).find("--resume"), std::string::npos);
}

TEST(RunLock, IsHeldByOneAtATime) {
  const TempFolder root;
  {
    const RunLock lock(root.path());
    const Error error = error_of([&] { const RunLock second(root.path()); });
    EXPECT_EQ(error.code(), Code::kFailedPrecondition);
    EXPECT_NE(std::string(error.what()).find("another process is training in"), std::string::npos);
  }
  const RunLock again(root.path());
  const RunLock nowhere(root / "none");  // what is done there says why it cannot be
}

TEST(RunFolder, OpensOnlyWhatIsARun) {
  const TempFolder root;
  EXPECT_EQ(error_of([&] { RunFolder::open(root.path()); }).code(), Code::kNotFound);
  write_file_atomically(root / "config.toml", "");
  EXPECT_EQ(RunFolder::open(root.path()).checkpoint("last"), root / "checkpoints/last.safetensors");
}

TEST(RunFolder, IsDiscardedOnlyWhileUnused) {
  const TempFolder root;
  const RunFolder folder = RunFolder::create(root / "run");
  write_file_atomically(folder.config(), "");
  write_file_atomically(folder.path() / "mine.txt", "");
  folder.discard_if_unused();
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "mine.txt"));
  std::filesystem::remove(folder.path() / "mine.txt");
  append_line(folder.log(), "begun");
  folder.discard_if_unused();
  EXPECT_TRUE(std::filesystem::exists(folder.log()));
  std::filesystem::remove(folder.log());
  folder.discard_if_unused();
  EXPECT_FALSE(std::filesystem::exists(folder.path()));
}

TEST(RunFolder, HoldsAModelOnceTheRunIsFinished) {
  const TempFolder root;
  EXPECT_EQ(model_path(root / "other.safetensors"), root / "other.safetensors");  // whoever reads it says what is wrong
  const Error error = error_of([&] { model_path(root.path()); });
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_NE(std::string(error.what()).find("is the training finished?"), std::string::npos);
  write_file_atomically(root / "model.safetensors", "");
  EXPECT_EQ(model_path(root.path()), root / "model.safetensors");
}

TEST(RunFolder, KeepsTheFirstLines) {
  const TempFolder root;
  const std::filesystem::path path = root / "metrics.jsonl";
  keep_lines(path, 2);  // no file: nothing to do
  for (const char* line : {"one", "two", "three"}) append_line(path, line);
  keep_lines(path, 5);
  EXPECT_EQ(read_text(path), "one\ntwo\nthree\n");
  keep_lines(path, 2);
  EXPECT_EQ(read_text(path), "one\ntwo\n");
  keep_lines(path, 0);
  EXPECT_EQ(read_text(path), "");
}

}  // namespace
}  // namespace sooner
