/** Validation of label selectors. */
import { type Cause, forbiddenField, invalidValue, required } from '../errors.ts';
import { listOf, objectOf, textOf } from '../json.ts';
import { labelCauses, qualifiedNameFaults } from './names.ts';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'];

/** As `ValidateLabelSelector` of apimachinery. */
export function selectorCauses(selector: unknown, path: string): Cause[] {
  const { matchLabels, matchExpressions } = objectOf(selector);
  const expressions = listOf(matchExpressions).flatMap((each, index): Cause[] => {
    const { key, operator, values } = objectOf(each);
    const at = `${path}.matchExpressions[${index}]`;
    const needsValues = operator === 'In' || operator === 'NotIn';
    const hasValues = listOf(values).length > 0;
    return [
      ...(needsValues && !hasValues
        ? [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
        : []),
      ...(!needsValues && hasValues && OPERATORS.includes(textOf(operator))
        ? [forbiddenField(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        : []),
      ...(OPERATORS.includes(textOf(operator))
        ? []
        : [invalidValue(`${at}.operator`, operator, 'not a valid selector operator')]),
      ...qualifiedNameFaults(textOf(key)).map((why) => invalidValue(`${at}.key`, key, why)),
    ];
  });
  return [...labelCauses(matchLabels, `${path}.matchLabels`), ...expressions];
}
