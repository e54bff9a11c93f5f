#include "data/labelled_files.h"

#include "support/data_files.h"

namespace sooner {
namespace {

std::vector<std::string> names_of(const std::vector<LabelledFile>& files) {
  std::vector<std::string> names;
  for (const LabelledFile& file : files) names.push_back(file.name + ":" + std::to_string(file.label));
  return names;
}

TEST(ImageFolder, HasAClassForEachSubFolderInOrder) {
  const TemporaryFolder folder;
  for (const char* name : {"dog/2.png", "dog/1.JPG", "cat/deep/er/x.jpeg", "cat/notes.txt", "cat/.hidden.png",
                           ".cache/a.png", "readme.png"}) {
    folder.write(name, "x");
  }
  const LabelledFiles files = list_image_folder(folder.path());
  EXPECT_EQ(files.class_names, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(names_of(files.train), (std::vector<std::string>{"cat/deep/er/x.jpeg:0", "dog/1.JPG:1", "dog/2.png:1"}));
  EXPECT_TRUE(files.test.empty());
}

TEST(ImageFolder, TakesItsOwnTestPart) {
  for (const std::string test : {"test", "val"}) {
    const TemporaryFolder folder;
    folder.write("train/cat/1.png", "x");
    folder.write("train/dog/1.png", "x");
    folder.write(test + "/dog/9.png", "x");
    const LabelledFiles files = list_image_folder(folder.path());
    EXPECT_EQ(names_of(files.train), (std::vector<std::string>{"train/cat/1.png:0", "train/dog/1.png:1"}));
    EXPECT_EQ(names_of(files.test), (std::vector<std::string>{test + "/dog/9.png:1"}));
  }
}

TEST(ImageFolder, GoesIntoALoneTrainFolder) {
  const TemporaryFolder folder;
  folder.write("train/cat/1.png", "x");
  folder.write("train/dog/1.png", "x");
  EXPECT_EQ(list_image_folder(folder.path()).class_names, (std::vector<std::string>{"cat", "dog"}));
}

TEST(ImageFolder, MayHaveClassesCalledTrainOrTest) {
  const TemporaryFolder folder;
  folder.write("car/1.png", "x");
  folder.write("train/1.png", "x");
  EXPECT_EQ(list_image_folder(folder.path()).class_names, (std::vector<std::string>{"car", "train"}));
}

TEST(ImageFolder, RefusesFoldersWithoutClassesOrImages) {
  const TemporaryFolder folder;
  expect_error(Code::kNotFound, {"nowhere", "check the path"}, [&] { list_image_folder(folder.path() / "nowhere"); });
  expect_error(Code::kNotFound, {"0 class folders", "one for each class"}, [&] { list_image_folder(folder.path()); });
  folder.write("cat/1.png", "x");
  expect_error(Code::kNotFound, {"1 class folders"}, [&] { list_image_folder(folder.path()); });
  folder.write("dog/readme.txt", "x");
  expect_error(Code::kNotFound, {"dog", "no image"}, [&] { list_image_folder(folder.path()); });
}

TEST(ImageFolder, RefusesATestClassItCannotHaveLearnt) {
  const TemporaryFolder folder;
  for (const char* name : {"train/cat/1.png", "train/dog/1.png", "test/dot/1.png"}) folder.write(name, "x");
  expect_error(Code::kDataLoss, {"test/dot", "did you mean 'dog'?"}, [&] { list_image_folder(folder.path()); });
}

TEST(ImageFolder, RefusesAnEmptyTestPart) {
  const TemporaryFolder folder;
  for (const char* name : {"train/cat/1.png", "train/dog/1.png", "test/dog/1.txt"}) folder.write(name, "x");
  expect_error(Code::kNotFound, {"test", "no image"}, [&] { list_image_folder(folder.path()); });
}

}  // namespace
}  // namespace sooner
