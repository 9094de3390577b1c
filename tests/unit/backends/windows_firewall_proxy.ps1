# Runs the proxy part of two scripts (one with a proxy, one without) against a computer of hashtables: what the
# registry, netsh, Set-WinInetProxy, the environment and the Azure Arc agent would do. Writes one line for each check.
param ([string] $WithProxy, [string] $WithoutProxy)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

class StandIn {
    static [hashtable] $Variables = @{}
    static [string] GetEnvironmentVariable([string] $name, [string] $target) { return [StandIn]::Variables["$target $name"] }
    static [void] SetEnvironmentVariable([string] $name, [string] $value, [string] $target) {
        if ("$value" -eq '') { [StandIn]::Variables.Remove("$target $name") } else { [StandIn]::Variables["$target $name"] = $value }
    }
}

$global:registry = @{}
$global:agent = $null # without one; else a hashtable
$global:changes = 0
$global:broken = '' # a program that fails
$global:hasModule = $true
$connections = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections'
$policies = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings'
$backups = 'HKLM:\SOFTWARE\hcipolc\Proxy'

function Test-Path { param ([string] $LiteralPath) $global:registry.ContainsKey($LiteralPath) }
function New-Item { [CmdletBinding()] param ([string] $Path, [switch] $Force) $global:registry[$Path] = @{} }
function Get-ItemProperty {
    [CmdletBinding()] param ([string] $LiteralPath)
    [pscustomobject] $global:registry[$LiteralPath]
}
function New-ItemProperty {
    [CmdletBinding()] param ([string] $LiteralPath, [string] $Name, $Value, [string] $PropertyType, [switch] $Force)
    $global:registry[$LiteralPath][$Name] = $Value
}
function Remove-ItemProperty { [CmdletBinding()] param ([string] $LiteralPath, [string] $Name) $global:registry[$LiteralPath].Remove($Name) }

# The form in which both libraries keep their settings, as described for WinHttpSettings by those who read it.
function ConvertTo-Blob {
    param ([int] $Flags, [string[]] $Text)
    $bytes = [System.Collections.Generic.List[byte]]::new()
    foreach ($number in @(70, 5, $Flags)) { $bytes.AddRange([System.BitConverter]::GetBytes([int] $number)) }
    foreach ($item in $Text) {
        $bytes.AddRange([System.BitConverter]::GetBytes([int] $item.Length))
        $bytes.AddRange([System.Text.Encoding]::ASCII.GetBytes($item))
    }
    $bytes.AddRange([byte[]]::new(32))
    , $bytes.ToArray()
}
function Set-Value { param ([string] $Key, [string] $Name, $Value) if (-not $global:registry.ContainsKey($Key)) { $global:registry[$Key] = @{} }; $global:registry[$Key][$Name] = $Value }

$setWinInetProxy = {
    [CmdletBinding()] param ($ProxySettingsPerUser = 1, [string] $ProxyServer = '', [string] $ProxyBypass = '', [string] $AutoConfigURL = '')
    $global:changes++
    Set-Value -Key $policies -Name 'ProxySettingsPerUser' -Value $ProxySettingsPerUser
    $flags = 1
    if ($ProxyServer -ne '') { $flags = $flags -bor 2 }
    if ($AutoConfigURL -ne '') { $flags = $flags -bor 4 }
    Set-Value -Key $connections -Name 'DefaultConnectionSettings' -Value (ConvertTo-Blob -Flags $flags -Text @($ProxyServer, $ProxyBypass, $AutoConfigURL))
    'The module is chatty'
}
${function:Set-WinInetProxy} = $setWinInetProxy
function netsh.exe {
    $global:LASTEXITCODE = 0
    if ($global:broken -eq 'netsh.exe') { $global:LASTEXITCODE = 1; return }
    $global:changes++
    $server = @($args | Where-Object { $_ -like 'proxy-server=*' }) -replace '^proxy-server=', ''
    $bypass = @($args | Where-Object { $_ -like 'bypass-list=*' }) -replace '^bypass-list=', ''
    if ("$($args[0..2])" -eq 'winhttp reset proxy' -and $args.Count -eq 3) {
        Set-Value -Key $connections -Name 'WinHttpSettings' -Value (ConvertTo-Blob -Flags 1 -Text @('', ''))
    }
    elseif ("$($args[0..2])" -eq 'winhttp set proxy' -and "$server" -ne '') {
        Set-Value -Key $connections -Name 'WinHttpSettings' -Value (ConvertTo-Blob -Flags 3 -Text @("$server", "$bypass"))
    }
    else { $global:LASTEXITCODE = 1 }
}
$azcmagent = {
    $global:LASTEXITCODE = 0
    if ($args[0] -eq 'config' -and $args[1] -eq 'get' -and $args.Count -eq 3) { return $global:agent[$args[2]] }
    if ($global:broken -eq 'azcmagent.exe') { $global:LASTEXITCODE = 1; return }
    $global:changes++
    if ($args[0] -eq 'config' -and $args[1] -eq 'set' -and $args.Count -eq 4) { $global:agent[$args[2]] = $args[3] }
    elseif ($args[0] -eq 'config' -and $args[1] -eq 'clear' -and $args.Count -eq 3) { $global:agent[$args[2]] = '' }
    else { $global:LASTEXITCODE = 1 }
}
function Get-NetFirewallRule { [CmdletBinding()] param ([string] $PolicyStore) }
function Get-NetFirewallProfile { [CmdletBinding()] param ([string] $PolicyStore) }

function Get-Block {
    param ([string] $Path)
    $text = (Get-Content -LiteralPath $Path -Raw) -replace '(?m)^#Requires.*$', ''
    # The one thing that no function can stand in for.
    [scriptblock]::Create($text.Replace('[System.Environment]::', '[StandIn]::'))
}
$with = Get-Block -Path $WithProxy
$without = Get-Block -Path $WithoutProxy

function Get-Machine {
    # Everything that a program on this computer could notice, and the backup.
    $state = @{ registry = @{}; environment = [StandIn]::Variables; agent = $global:agent }
    foreach ($key in $global:registry.Keys) {
        foreach ($name in $global:registry[$key].Keys) {
            $value = $global:registry[$key][$name]
            if ($value -is [array]) { $value = [System.Convert]::ToBase64String([byte[]] $value) }
            $state.registry["$key $name"] = $value
        }
    }
    $lines = foreach ($part in @('registry', 'environment', 'agent')) {
        if ($null -ne $state[$part]) { foreach ($name in @($state[$part].Keys | Sort-Object)) { '{0}: {1} = {2}' -f $part, $name, $state[$part][$name] } }
    }
    $lines -join "`n"
}
function Find {
    param ([scriptblock] $Block, [string] $Mode, [hashtable] $More = @{})
    @(& $Block -Mode $Mode -Force @More 3>$null 6>$null | ForEach-Object { '{0}: {1}' -f $_.Name, $_.Finding }) -join '; '
}
function Test-Equal {
    param ([string] $What, $Is, $Should)
    if ("$Is" -ceq "$Should") { "ok $What" } else { "not ok $What`n--- is`n$Is`n--- should be`n$Should" }
}
function Read-Blob {
    param ([string] $Name)
    $bytes = [byte[]] $global:registry[$connections][$Name]
    $length = [System.BitConverter]::ToInt32($bytes, 12)
    $rest = [System.BitConverter]::ToInt32($bytes, 16 + $length)
    $encoding = [System.Text.Encoding]::ASCII
    '{0}|{1}' -f $encoding.GetString($bytes, 16, $length), $encoding.GetString($bytes, 20 + $length, $rest)
}

# A computer that had a proxy of its own for services.
netsh.exe winhttp set proxy proxy-server=old.example:8080 'bypass-list=*.old.example'
[StandIn]::SetEnvironmentVariable('NO_PROXY', 'old.example', 'Machine')
Set-Value -Key $connections -Name 'DefaultConnectionSettings' -Value (ConvertTo-Blob -Flags 9 -Text @('', '', ''))
$global:agent = @{ 'proxy.url' = ''; 'proxy.bypass' = '[]' }
Set-Item -Path 'function:azcmagent.exe' -Value $azcmagent
$before = Get-Machine
$all = @('WinINet', 'WinHTTP', 'Environment', 'Azure Arc agent')
function Join-Finding { param ([string] $Finding) @($all | ForEach-Object { "Proxy of ${_}: $Finding" }) -join '; ' }

$global:changes = 0
Test-Equal -What 'Verify finds everything missing' -Is (Find $with 'Verify') -Should (Join-Finding 'Missing')
Test-Equal -What 'Verify of a policy without proxy finds nothing' -Is (Find $without 'Verify') -Should ''
Test-Equal -What 'WhatIf says nothing was done' -Is (Find $with 'Apply' @{ WhatIf = $true }) -Should ''
Test-Equal -What 'neither changes anything' -Is "$global:changes`n$(Get-Machine)" -Should "0`n$before"

Test-Equal -What 'Apply sets all four' -Is (Find $with 'Apply') -Should (Join-Finding 'Set')
$bypass = 'localhost;e1;prod;127.0.0.1;10.0.0.11;[fd00::11];10.1.2.*;10.3.0.*;10.3.1.*;*.corp.example'
Test-Equal -What 'WinHTTP' -Is (Read-Blob 'WinHttpSettings') -Should "10.0.9.10:9090|$bypass"
Test-Equal -What 'WinINet' -Is (Read-Blob 'DefaultConnectionSettings') -Should "10.0.9.10:9090|$bypass"
Test-Equal -What 'WinINet is for the machine' -Is $global:registry[$policies]['ProxySettingsPerUser'] -Should 0
Test-Equal -What 'HTTP_PROXY' -Is ([StandIn]::Variables['Machine HTTP_PROXY']) -Should 'http://10.0.9.10:9090'
Test-Equal -What 'HTTPS_PROXY' -Is ([StandIn]::Variables['Machine HTTPS_PROXY']) -Should 'http://10.0.9.10:9090'
Test-Equal -What 'NO_PROXY' -Is ([StandIn]::Variables['Machine NO_PROXY']) -Should 'localhost,e1,prod,127.0.0.1,10.0.0.11,fd00::11,10.1.2.0/24,10.3.0.0/23,.corp.example'
Test-Equal -What 'agent' -Is "$($global:agent['proxy.url']) $($global:agent['proxy.bypass'])" -Should 'http://10.0.9.10:9090 []'
Test-Equal -What 'Verify is content' -Is (Find $with 'Verify') -Should ''
$applied = Get-Machine
$global:changes = 0
Test-Equal -What 'a second Apply has nothing to do' -Is "$(Find $with 'Apply')$global:changes" -Should '0'

# Somebody edits by hand.
netsh.exe winhttp set proxy proxy-server=other.example:1 "bypass-list=$bypass"
$global:agent['proxy.url'] = ''
Test-Equal -What 'Verify shows drift' -Is (Find $with 'Verify') -Should 'Proxy of WinHTTP: Changed: Server; Proxy of Azure Arc agent: Changed: Server'
Test-Equal -What 'Apply mends it' -Is (Find $with 'Apply') -Should 'Proxy of WinHTTP: Set; Proxy of Azure Arc agent: Set'
Test-Equal -What 'as it was applied first' -Is (Get-Machine) -Should $applied

Test-Equal -What 'Remove without the module stops' -Is $(
    Remove-Item -Path 'function:Set-WinInetProxy'
    try { Find $with 'Remove' } catch { "$_" }
) -Should 'Nothing was changed: proxy settings need the module WinInetProxy, which is missing.'
Test-Equal -What 'and changes nothing' -Is (Get-Machine) -Should $applied
Set-Item -Path 'function:Set-WinInetProxy' -Value $setWinInetProxy

function Test-Restored {
    param ([string] $What)
    Test-Equal -What "${What}: WinHTTP" -Is (Read-Blob 'WinHttpSettings') -Should 'old.example:8080|*.old.example'
    Test-Equal -What "${What}: WinINet" -Is $global:registry[$policies]['ProxySettingsPerUser'] -Should 1
    Test-Equal -What "${What}: environment" -Is (@([StandIn]::Variables.Keys | ForEach-Object { "$_=$([StandIn]::Variables[$_])" }) -join ' ') -Should 'Machine NO_PROXY=old.example'
    Test-Equal -What "${What}: agent" -Is "$($global:agent['proxy.url'])$($global:agent['proxy.bypass'])" -Should '[]'
    Test-Equal -What "${What}: no backup" -Is $global:registry[$backups].Count -Should 0
}
Test-Equal -What 'Remove restores all four' -Is (Find $with 'Remove') -Should (Join-Finding 'Restored')
Test-Restored -What 'Remove'
Test-Equal -What 'a second Remove has nothing to do' -Is (Find $with 'Remove') -Should ''

# The last step fails: the three before it are put back.
$global:broken = 'azcmagent.exe'
Test-Equal -What 'a failure is one' -Is $(try { Find $with 'Apply' } catch { "$_" }) -Should 'azcmagent.exe config set proxy.url http://10.0.9.10:9090 failed with code 1.'
$global:broken = ''
Test-Restored -What 'Failure'

# The policy loses its proxy.
$null = Find $with 'Apply'
Test-Equal -What 'a proxy that the policy lost is stale' -Is (Find $without 'Verify') -Should (Join-Finding 'Stale')
Test-Equal -What 'and goes' -Is (Find $without 'Apply') -Should (Join-Finding 'Restored')
Test-Restored -What 'Lost'

# A server without the agent, which gets one later.
Remove-Item -Path 'function:azcmagent.exe'
Test-Equal -What 'three without an agent' -Is (Find $with 'Apply') -Should 'Proxy of WinINet: Set; Proxy of WinHTTP: Set; Proxy of Environment: Set'
Test-Equal -What 'none of them missing' -Is (Find $with 'Verify') -Should ''
Set-Item -Path 'function:azcmagent.exe' -Value $azcmagent
Test-Equal -What 'the agent comes' -Is (Find $with 'Verify') -Should 'Proxy of Azure Arc agent: Missing'
'done'
