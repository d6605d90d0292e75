const BEGIN = '<!-- generated from the table of settings: begin -->';
const END = '<!-- generated from the table of settings: end -->';

/**
 * @param {string} page
 * @param {string} table
 * @returns {string} the page with its generated part renewed; everything around it stays
 */
export function renewSettingTable(page, table) {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error('the page has lost its markers');
  return `${page.slice(0, begin)}${BEGIN}\n${table}\n${page.slice(end)}`;
}
