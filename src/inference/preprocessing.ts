import {
  modelPreprocessor,
  type Preprocessor,
  requireSize,
  statedPreprocessor,
  withTiles,
} from "../image/index.ts";
import { generationOf, type OwlConfig, towerOf } from "../model/index.ts";

/**
 * How an owl's pictures are prepared: as its files say, or the published way of its vision tower where it has none.
 *
 * @param json content of `preprocessor_config.json` or its like; undefined where there is none
 * @param where the file, for messages
 * @throws ImageError naming every setting that is wrong or not computed, or a size that is not the model's
 */
export function owlPreprocessor(config: OwlConfig, json: unknown, where: string): Preprocessor {
  const preprocessor = ofWholePictures(config, json, where);
  const { tilePositions } = config;
  return tilePositions === undefined ? preprocessor : withTiles(preprocessor, json, where, tilePositions);
}

function ofWholePictures(config: OwlConfig, json: unknown, where: string): Preprocessor {
  const { vision } = config;
  const tower = towerOf(vision);
  if (tower.hasReleasedPreprocessing) {
    return modelPreprocessor(json, vision.imageSize, where, generationOf(config).pictureFit(config));
  }
  const { preprocessing = tower.published.preprocessing } = generationOf(config);
  const preprocessor = statedPreprocessor(json, where, preprocessing(vision.imageSize));
  requireSize(preprocessor, vision.imageSize, where);
  return preprocessor;
}
